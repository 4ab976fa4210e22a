using System.CommandLine;

namespace LiteKube.Commands;

/// <summary>`litekube completion bash|zsh|fish`: a script for the shell, which asks the program itself by System.CommandLine's [suggest] directive.</summary>
internal static class CompletionCommand
{
    public static Command Create()
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh or fish" };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new Command("completion", "Print a completion script: source <(litekube completion bash)") { shell };
        command.SetAction(parse =>
        {
            Terminal.Out.WriteLine(parse.GetValue(shell) switch
            {
                "bash" => """
                    _litekube() { mapfile -t COMPREPLY < <(compgen -W "$(litekube "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"); }
                    complete -o default -F _litekube litekube
                    """,
                "zsh" => """
                    #compdef litekube
                    _litekube() { local -a words_found; words_found=("${(@f)$(litekube "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)}"); compadd -- $words_found }
                    compdef _litekube litekube
                    """,
                _ => """
                    complete -c litekube -f -a '(litekube "[suggest:"(commandline -C)"]" (commandline -cp) 2>/dev/null)'
                    """,
            });
            return ExitCodes.Ok;
        });
        return command;
    }
}
