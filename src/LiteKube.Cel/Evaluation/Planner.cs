using LiteKube.Cel.Cost;

namespace LiteKube.Cel.Evaluation;

/// <summary>Turns a checked expression into nodes. What is constant is computed here, once.</summary>
internal sealed class Planner(CelEnvironment environment, bool foldConstants)
{
    private readonly List<(string Name, int Slot, Node? Initial)> _scope = [];
    private int _depth;

    /// <summary>How many slots the locals of the expression need.</summary>
    public int LocalCount { get; private set; }

    /// <summary>A constant conversion that fails fails the compilation.</summary>
    public string? Failure { get; private set; }

    public Node Plan(Expr expr, ulong identCost = RuntimeCost.Access) => expr switch
    {
        LiteralExpr literal => new ConstNode(literal.Value),
        IdentExpr ident => PlanIdent(ident, identCost),
        SelectExpr { Variable: { } variable } => PlanVariable(variable, identCost),
        SelectExpr { TestOnly: true } select => new HasNode(Plan(select.Operand), select.Field),
        SelectExpr select => new SelectNode(Plan(select.Operand, identCost), select.Field, AccessCost(select.Operand), optional: false),
        CallExpr call => PlanCall(call, identCost),
        ListExpr list => PlanList(list),
        MapExpr map => PlanMap(map),
        StructExpr message => new StructNode(environment.TypeProvider, message.TypeName, [.. message.Fields.Select(f => (f.Name, Plan(f.Value), f.Optional))]),
        ComprehensionExpr fold => PlanFold(fold),
        _ => throw new InvalidOperationException($"no plan for {expr.GetType().Name}"),
    };

    private Node PlanIdent(IdentExpr ident, ulong cost)
    {
        if (!ident.Name.StartsWith('.'))
        {
            for (var i = _scope.Count - 1; i >= 0; i--)
            {
                if (_scope[i].Name == ident.Name)
                    return _scope[i].Initial is { } initial ? new LazyLocalNode(_scope[i].Slot, initial, cost) : new LocalNode(_scope[i].Slot, cost);
            }
        }
        return PlanVariable(ident.Variable!, cost);
    }

    private static Node PlanVariable(VariableDeclaration variable, ulong cost) => variable.Constant is { } constant ? new ConstNode(constant) : new VariableNode(variable.Name, cost);

    /// <summary>A member of what is no name or member itself costs one more.</summary>
    private static ulong AccessCost(Expr operand) => operand is IdentExpr or SelectExpr { TestOnly: false } or CallExpr { Function: Operators.Index or Operators.OptionalIndex or Operators.OptionalSelect or Operators.Conditional }
        ? RuntimeCost.Access
        : 2 * RuntimeCost.Access;

    private Node PlanCall(CallExpr call, ulong identCost)
    {
        var args = call.Args;
        switch (call.Function)
        {
            case Operators.And:
                return new AndNode(Plan(args[0]), Plan(args[1]));
            case Operators.Or:
                return new OrNode(Plan(args[0]), Plan(args[1]));
            case Operators.Conditional:
                return new ConditionalNode(Plan(args[0]), Plan(args[1], identCost: 0), Plan(args[2], identCost: 0));
            case Operators.NotStrictlyFalse:
                return new NotStrictlyFalseNode(Plan(args[0]));
            case Operators.Not or Operators.Negate:
                return new NegateNode(Plan(args[0]), logical: call.Function == Operators.Not);
            case Operators.Index or Operators.OptionalIndex:
                return new IndexNode(Plan(args[0], identCost), Plan(args[1]), AccessCost(args[0]), optional: call.Function == Operators.OptionalIndex);
            case Operators.OptionalSelect:
                return new SelectNode(Plan(args[0], identCost), ((LiteralExpr)args[1]).Value.AsString, AccessCost(args[0]), optional: true);
            case "or" or "orValue" when call.Target is not null && args.Length == 1 && call.Overloads.All(o => o.Body is null):
                return new OptionalOrNode(Plan(call.Target), Plan(args[0]), unwrap: call.Function == "orValue");
        }
        return BinaryOperators.TryGetValue(call.Function, out var operation) && call.Target is null ? PlanBinary(call, operation) : PlanFunction(call);
    }

    private static readonly Dictionary<string, BinaryOperation> BinaryOperators = new(StringComparer.Ordinal)
    {
        [Operators.Equal] = Arithmetic.Equal,
        [Operators.NotEqual] = Arithmetic.NotEqual,
        [Operators.Less] = Arithmetic.Less,
        [Operators.LessOrEqual] = Arithmetic.LessOrEqual,
        [Operators.Greater] = Arithmetic.Greater,
        [Operators.GreaterOrEqual] = Arithmetic.GreaterOrEqual,
        [Operators.Add] = Arithmetic.Add,
        [Operators.Subtract] = Arithmetic.Subtract,
        [Operators.Multiply] = Arithmetic.Multiply,
        [Operators.Divide] = Arithmetic.Divide,
        [Operators.Modulo] = Arithmetic.Modulo,
        [Operators.In] = Arithmetic.In,
    };

    private Node PlanBinary(CallExpr call, BinaryOperation operation)
    {
        var left = Plan(call.Args[0]);
        var right = Plan(call.Args[1]);
        if (foldConstants && call.Function == Operators.In && right is ConstNode { Value.Kind: CelKind.List } constants && ConstantSet(constants.Value.AsList) is { } set)
            return set.Count == 0 ? new ConstNode(CelValue.False) : new InConstantsNode(left, set);
        return new BinaryNode(operation, CostOf(call), left, right);
    }

    private static HashSet<CelValue>? ConstantSet(CelList list)
    {
        var set = new HashSet<CelValue>(KeyEquality.Instance);
        for (var i = 0; i < list.Count; i++)
        {
            if (!CelValueMap.IsKey(list[i]))
                return null;
            set.Add(list[i]);
        }
        return set;
    }

    private static BinaryCost CostOf(CallExpr call)
    {
        if (call.Function is Operators.Equal or Operators.NotEqual)
            return BinaryCost.SmallerSize;
        if (call.Overloads.Count != 1)
            return BinaryCost.One;
        var sized = call.Overloads[0].Parameters[0].Kind is CelTypeKind.String or CelTypeKind.Bytes;
        return call.Function switch
        {
            Operators.Less or Operators.LessOrEqual or Operators.Greater or Operators.GreaterOrEqual when sized => BinaryCost.SmallerSize,
            Operators.Add when sized => BinaryCost.SumOfSizes,
            Operators.In when call.Overloads[0].Id == "in_list" => BinaryCost.RightCount,
            _ => BinaryCost.One,
        };
    }

    private Node PlanFunction(CallExpr call)
    {
        Node[] args = [.. (call.Target is null ? call.Args : call.Args.Prepend(call.Target)).Select(a => Plan(a))];
        var overloads = call.Overloads.Where(o => o.Body is not null).ToArray();
        if (Re2Regex.Specialize(call.Function, args, out var regexError) is { } specialized)
            overloads = [.. overloads.Select(o => new CelOverload(o.Id, o.IsMember, [.. o.Parameters], o.Result, specialized))];
        Failure ??= regexError;
        var node = new CallNode(call.Function, overloads, args, RuntimeCost.RuleFor(call.Function, call.Overloads));
        return foldConstants && IsConversion(call.Function) && args is [ConstNode] ? Fold(node) : node;
    }

    private static bool IsConversion(string function) => function is "bool" or "bytes" or "double" or "duration" or "dyn" or "int" or "string" or "timestamp" or "type" or "uint";

    private ConstNode Fold(Node node)
    {
        var value = node.Eval(new EvalFrame(CelActivation.Empty, 0, ulong.MaxValue, CancellationToken.None));
        if (value.IsError)
            Failure ??= value.AsError.Message;
        return new ConstNode(value);
    }

    private Node PlanList(ListExpr list)
    {
        Node[] elements = [.. list.Elements.Select(e => Plan(e))];
        var node = new ListNode(elements, list.Optional);
        return foldConstants && Array.TrueForAll(elements, e => e is ConstNode) ? Fold(node) : node;
    }

    private Node PlanMap(MapExpr map)
    {
        var entries = map.Entries.Select(e => (Key: Plan(e.Key), Value: Plan(e.Value), e.Optional)).ToArray();
        var node = new MapNode(entries);
        return foldConstants && Array.TrueForAll(entries, e => e is { Key: ConstNode, Value: ConstNode }) ? FoldMap(node) : node;
    }

    /// <summary>A map literal that fails does so at run time, e.g. for a repeated key.</summary>
    private static Node FoldMap(Node node)
    {
        var value = node.Eval(new EvalFrame(CelActivation.Empty, 0, ulong.MaxValue, CancellationToken.None));
        return value.IsError ? node : new ConstNode(value);
    }

    private int NewSlot()
    {
        LocalCount = Math.Max(LocalCount, ++_depth);
        return _depth - 1;
    }

    private Node PlanFold(ComprehensionExpr fold)
    {
        var depth = _depth;
        var scope = _scope.Count;
        Node node;
        // The slot comes first: a bound value is computed deep inside the body, and its own slots must be none of those in use there.
        var accumulator = NewSlot();
        var initial = Plan(fold.Initial);
        if (fold.IsBinding)
        {
            _scope.Add((fold.Accumulator, accumulator, initial));
            _depth = LocalCount;
            node = new BindNode(accumulator, Plan(fold.Result));
        }
        else
        {
            var range = Plan(fold.Range);
            _scope.Add((fold.Accumulator, accumulator, null));
            var slot = NewSlot();
            var slot2 = fold.Variable2 is null ? -1 : NewSlot();
            _scope.Add((fold.Variable, slot, null));
            if (fold.Variable2 is { } variable2)
                _scope.Add((variable2, slot2, null));
            var condition = Plan(fold.Condition);
            var step = Plan(fold.Step);
            _scope.RemoveRange(scope + 1, _scope.Count - scope - 1);
            node = new FoldNode
            {
                Range = range,
                Slot = slot,
                Slot2 = slot2,
                AccumulatorSlot = accumulator,
                Initial = initial,
                Condition = condition,
                Step = step,
                Result = Plan(fold.Result),
                Grows = fold.Accumulator == Macros.Accumulator && fold.Initial is ListExpr { Elements.Length: 0 } or MapExpr { Entries.Length: 0 },
            };
        }
        _scope.RemoveRange(scope, _scope.Count - scope);
        _depth = depth;
        return node;
    }

    private sealed class KeyEquality : IEqualityComparer<CelValue>
    {
        public static readonly KeyEquality Instance = new();

        public bool Equals(CelValue x, CelValue y) => ValueEquality.AreEqual(x, y);

        public int GetHashCode(CelValue value) => ValueEquality.KeyHash(value);
    }
}
