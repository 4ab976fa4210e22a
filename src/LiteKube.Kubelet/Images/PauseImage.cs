using System.Buffers.Binary;

namespace LiteKube.Kubelet.Images;

/// <summary>
/// The sandbox's process, made here so that no image must be pulled to start a pod: a static ELF of a few hundred
/// bytes that sleeps, reaps the orphans of a shared process namespace, and ends on SIGTERM or SIGINT.
/// </summary>
public static class PauseImage
{
    private const ulong LoadAddress = 0x400000;
    private const int HeaderSizeBytes = 64 + 56;

    /// <summary>The image under the given name, as an importable tar.</summary>
    public static OciImage Create(string name) => new()
    {
        Name = name,
        Files = [new ImageFile("pause", ImageFile.Executable, Executable(OciImage.Architecture))],
        Entrypoint = ["/pause"],
        // Nobody: the process needs nothing.
        User = "65535:65535",
    };

    /// <summary>The program for "amd64" or "arm64".</summary>
    /// <exception cref="PlatformNotSupportedException">Another processor.</exception>
    internal static byte[] Executable(string architecture) => architecture switch
    {
        "amd64" => Elf(machine: 62, AmdCode),
        "arm64" => Elf(machine: 183, ArmCode()),
        _ => throw new PlatformNotSupportedException($"there is no pause program for {architecture}"),
    };

    // The signals are blocked and waited for instead of handled: a blocked signal reaches even process 1, which the
    // kernel otherwise spares signals without a handler. Mask: SIGINT (2), SIGTERM (15), SIGCHLD (17).
    private static readonly byte[] AmdCode =
    [
        0x68, 0x02, 0x40, 0x01, 0x00,       // push  0x14002              the mask, at rsp
        0x48, 0x89, 0xE6,                   // mov   rsi, rsp
        0x31, 0xFF,                         // xor   edi, edi             SIG_BLOCK
        0x31, 0xD2,                         // xor   edx, edx
        0x41, 0xBA, 0x08, 0x00, 0x00, 0x00, // mov   r10d, 8              size of the mask
        0xB8, 0x0E, 0x00, 0x00, 0x00,       // mov   eax, 14              rt_sigprocmask
        0x0F, 0x05,                         // syscall
        // wait (offset 25):
        0x48, 0x89, 0xE7,                   // mov   rdi, rsp
        0x31, 0xF6,                         // xor   esi, esi             no siginfo
        0x31, 0xD2,                         // xor   edx, edx             no timeout
        0x41, 0xBA, 0x08, 0x00, 0x00, 0x00, // mov   r10d, 8
        0xB8, 0x80, 0x00, 0x00, 0x00,       // mov   eax, 128             rt_sigtimedwait
        0x0F, 0x05,                         // syscall
        0x83, 0xF8, 0x11,                   // cmp   eax, 17              SIGCHLD
        0x74, 0x13,                         // je    reap
        0x83, 0xF8, 0x02,                   // cmp   eax, 2               SIGINT
        0x74, 0x05,                         // je    exit
        0x83, 0xF8, 0x0F,                   // cmp   eax, 15              SIGTERM
        0x75, 0xDD,                         // jne   wait                 interrupted: wait again
        // exit (offset 60):
        0x31, 0xFF,                         // xor   edi, edi
        0xB8, 0x3C, 0x00, 0x00, 0x00,       // mov   eax, 60              exit
        0x0F, 0x05,                         // syscall
        // reap (offset 69):
        0x48, 0xC7, 0xC7, 0xFF, 0xFF, 0xFF, 0xFF, // mov rdi, -1          any child
        0x31, 0xF6,                         // xor   esi, esi
        0xBA, 0x01, 0x00, 0x00, 0x00,       // mov   edx, 1               WNOHANG
        0x45, 0x31, 0xD2,                   // xor   r10d, r10d
        0xB8, 0x3D, 0x00, 0x00, 0x00,       // mov   eax, 61              wait4
        0x0F, 0x05,                         // syscall
        0x85, 0xC0,                         // test  eax, eax
        0x7F, 0xE4,                         // jg    reap                 there may be more
        0xEB, 0xB6,                         // jmp   wait
    ];

    private static byte[] ArmCode()
    {
        uint[] words =
        [
            0xD2880040, // movz x0, #0x4002
            0xF2A00020, // movk x0, #1, lsl #16      the mask
            0xF81F0FE0, // str  x0, [sp, #-16]!
            0xD2800000, // mov  x0, #0               SIG_BLOCK
            0x910003E1, // mov  x1, sp
            0xD2800002, // mov  x2, #0
            0xD2800103, // mov  x3, #8               size of the mask
            0xD28010E8, // mov  x8, #135             rt_sigprocmask
            0xD4000001, // svc  #0
            // wait (word 9):
            0x910003E0, // mov  x0, sp
            0xD2800001, // mov  x1, #0               no siginfo
            0xD2800002, // mov  x2, #0               no timeout
            0xD2800103, // mov  x3, #8
            0xD2801128, // mov  x8, #137             rt_sigtimedwait
            0xD4000001, // svc  #0
            0xF100441F, // cmp  x0, #17              SIGCHLD
            0x54000100, // b.eq reap (+8)
            0xF100081F, // cmp  x0, #2               SIGINT
            0x54000060, // b.eq exit (+3)
            0xF1003C1F, // cmp  x0, #15              SIGTERM
            0x54FFFEA1, // b.ne wait (-11)           interrupted: wait again
            // exit (word 21):
            0xD2800000, // mov  x0, #0
            0xD2800BA8, // mov  x8, #93              exit
            0xD4000001, // svc  #0
            // reap (word 24):
            0x92800000, // mov  x0, #-1              any child
            0xD2800001, // mov  x1, #0
            0xD2800022, // mov  x2, #1               WNOHANG
            0xD2800003, // mov  x3, #0
            0xD2802088, // mov  x8, #260             wait4
            0xD4000001, // svc  #0
            0xF100001F, // cmp  x0, #0
            0x54FFFF2C, // b.gt reap (-7)            there may be more
            0x17FFFFE9, // b    wait (-23)
        ];
        var code = new byte[words.Length * 4];
        for (var i = 0; i < words.Length; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(code.AsSpan(i * 4), words[i]);
        return code;
    }

    /// <summary>One loadable, executable segment that holds the whole file.</summary>
    private static byte[] Elf(ushort machine, byte[] code)
    {
        var file = new byte[HeaderSizeBytes + code.Length];
        var span = file.AsSpan();
        ReadOnlySpan<byte> identity = [0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1]; // 64 bit, little endian, version 1
        identity.CopyTo(span);
        BinaryPrimitives.WriteUInt16LittleEndian(span[16..], 2); // e_type: executable
        BinaryPrimitives.WriteUInt16LittleEndian(span[18..], machine);
        BinaryPrimitives.WriteUInt32LittleEndian(span[20..], 1); // e_version
        BinaryPrimitives.WriteUInt64LittleEndian(span[24..], LoadAddress + HeaderSizeBytes); // e_entry
        BinaryPrimitives.WriteUInt64LittleEndian(span[32..], 64); // e_phoff
        BinaryPrimitives.WriteUInt16LittleEndian(span[52..], 64); // e_ehsize
        BinaryPrimitives.WriteUInt16LittleEndian(span[54..], 56); // e_phentsize
        BinaryPrimitives.WriteUInt16LittleEndian(span[56..], 1); // e_phnum

        var program = span[64..];
        BinaryPrimitives.WriteUInt32LittleEndian(program, 1); // PT_LOAD
        BinaryPrimitives.WriteUInt32LittleEndian(program[4..], 5); // readable, executable
        BinaryPrimitives.WriteUInt64LittleEndian(program[16..], LoadAddress); // p_vaddr
        BinaryPrimitives.WriteUInt64LittleEndian(program[24..], LoadAddress); // p_paddr
        BinaryPrimitives.WriteUInt64LittleEndian(program[32..], (ulong)file.Length); // p_filesz
        BinaryPrimitives.WriteUInt64LittleEndian(program[40..], (ulong)file.Length); // p_memsz
        BinaryPrimitives.WriteUInt64LittleEndian(program[48..], 0x1000); // p_align
        code.CopyTo(span[HeaderSizeBytes..]);
        return file;
    }
}
