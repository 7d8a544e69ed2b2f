//! A web client of a few hundred bytes that runs beside an image under test, sharing its network.
//!
//! A probe has no network, so that nothing it starts can call out, and no port is published. What asks must
//! therefore run inside the container's network namespace, on whatever machine the engine is: a container of
//! mslab's own, whose image holds this one program. It needs no library, and is made here from its instructions, so
//! that mslab carries no binary and pulls no image.
//!
//! `/prober PORT REQUEST` connects to PORT on the loopback interface, sends REQUEST, and copies what comes back to its output. Where
//! nothing listens, or nothing comes back, it tries again every 20 ms, until it is killed.

/// The address that is asked. All of 127.0.0.0/8 is the loopback interface's, whatever else there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Address {
    /// 127.0.0.1
    Own,
    /// 127.0.0.2: who listens on all addresses hears it, who listens on 127.0.0.1 does not, as with any from outside.
    Another,
}

impl Address {
    /// The last number of it.
    const fn last(self) -> u8 {
        match self {
            Self::Own => 1,
            Self::Another => 2,
        }
    }
}

/// Machine code for `linux/amd64`.
#[rustfmt::skip]
const AMD64: &[u8] = &[
    // The port's digits, then struct sockaddr_in in rax: family 2, port in network order, 127.0.0.1.
    0x48, 0x8b, 0x74, 0x24, 0x10,                // mov rsi,[rsp+0x10]
    0x31, 0xc0,                                  // xor eax,eax
    // digit:
    0x0f, 0xb6, 0x0e,                            // movzx ecx,byte [rsi]
    0x85, 0xc9,                                  // test ecx,ecx
    0x74, 0x0c,                                  // je digits_done
    0x6b, 0xc0, 0x0a,                            // imul eax,eax,0xa
    0x8d, 0x44, 0x08, 0xd0,                      // lea eax,[rax+rcx-0x30]
    0x48, 0xff, 0xc6,                            // inc rsi
    0xeb, 0xed,                                  // jmp digit
    // digits_done:
    0x86, 0xe0,                                  // xchg al,ah
    0xc1, 0xe0, 0x10,                            // shl eax,0x10
    0x83, 0xc8, 0x02,                            // or eax,0x2
    0xbb, 0x7f, 0x00, 0x00, 0x01,                // mov ebx,0x100007f
    0x48, 0xc1, 0xe3, 0x20,                      // shl rbx,0x20
    0x48, 0x09, 0xd8,                            // or rax,rbx
    0x4c, 0x8b, 0x64, 0x24, 0x18,                // mov r12,[rsp+0x18]
    0x45, 0x31, 0xed,                            // xor r13d,r13d
    // length:
    0x43, 0x80, 0x3c, 0x2c, 0x00,                // cmp byte [r12+r13],0x0
    0x74, 0x05,                                  // je length_done
    0x49, 0xff, 0xc5,                            // inc r13
    0xeb, 0xf4,                                  // jmp length
    // length_done:
    0x48, 0x81, 0xec, 0x20, 0x00, 0x01, 0x00,    // sub rsp,0x10020
    0x48, 0x89, 0x04, 0x24,                      // mov [rsp],rax
    0x31, 0xc0,                                  // xor eax,eax
    0x48, 0x89, 0x44, 0x24, 0x08,                // mov [rsp+0x8],rax
    0x48, 0x89, 0x44, 0x24, 0x10,                // mov [rsp+0x10],rax
    0xb8, 0x00, 0x2d, 0x31, 0x01,                // mov eax,20000000 (ns)
    0x48, 0x89, 0x44, 0x24, 0x18,                // mov [rsp+0x18],rax
    // again:
    0xbf, 0x02, 0x00, 0x00, 0x00,                // mov edi,0x2
    0xbe, 0x01, 0x00, 0x00, 0x00,                // mov esi,0x1
    0x31, 0xd2,                                  // xor edx,edx
    0xb8, 0x29, 0x00, 0x00, 0x00,                // mov eax,41: socket
    0x0f, 0x05,                                  // syscall
    0x89, 0xc3,                                  // mov ebx,eax
    0x89, 0xdf,                                  // mov edi,ebx
    0x48, 0x89, 0xe6,                            // mov rsi,rsp
    0xba, 0x10, 0x00, 0x00, 0x00,                // mov edx,0x10
    0xb8, 0x2a, 0x00, 0x00, 0x00,                // mov eax,42: connect
    0x0f, 0x05,                                  // syscall
    0x85, 0xc0,                                  // test eax,eax
    0x75, 0x4c,                                  // jne retry
    0x89, 0xdf,                                  // mov edi,ebx
    0x4c, 0x89, 0xe6,                            // mov rsi,r12
    0x4c, 0x89, 0xea,                            // mov rdx,r13
    0x41, 0xba, 0x00, 0x40, 0x00, 0x00,          // mov r10d,MSG_NOSIGNAL
    0x45, 0x31, 0xc0,                            // xor r8d,r8d
    0x45, 0x31, 0xc9,                            // xor r9d,r9d
    0xb8, 0x2c, 0x00, 0x00, 0x00,                // mov eax,44: sendto
    0x0f, 0x05,                                  // syscall
    0x45, 0x31, 0xf6,                            // xor r14d,r14d
    // copy:
    0x89, 0xdf,                                  // mov edi,ebx
    0x48, 0x8d, 0x74, 0x24, 0x20,                // lea rsi,[rsp+0x20]
    0xba, 0x00, 0x00, 0x01, 0x00,                // mov edx,0x10000
    0x31, 0xc0,                                  // xor eax,eax (0: read)
    0x0f, 0x05,                                  // syscall
    0x48, 0x85, 0xc0,                            // test rax,rax
    0x7e, 0x14,                                  // jle copied
    0x41, 0xff, 0xc6,                            // inc r14d
    0x48, 0x89, 0xc2,                            // mov rdx,rax
    0xbf, 0x01, 0x00, 0x00, 0x00,                // mov edi,0x1
    0xb8, 0x01, 0x00, 0x00, 0x00,                // mov eax,1: write
    0x0f, 0x05,                                  // syscall
    0xeb, 0xd7,                                  // jmp copy
    // copied:
    0x45, 0x85, 0xf6,                            // test r14d,r14d
    0x75, 0x1c,                                  // jne done
    // retry:
    0x89, 0xdf,                                  // mov edi,ebx
    0xb8, 0x03, 0x00, 0x00, 0x00,                // mov eax,3: close
    0x0f, 0x05,                                  // syscall
    0x48, 0x8d, 0x7c, 0x24, 0x10,                // lea rdi,[rsp+0x10]
    0x31, 0xf6,                                  // xor esi,esi
    0xb8, 0x23, 0x00, 0x00, 0x00,                // mov eax,35: nanosleep
    0x0f, 0x05,                                  // syscall
    0xe9, 0x6e, 0xff, 0xff, 0xff,                // jmp again
    // done:
    0x31, 0xff,                                  // xor edi,edi
    0xb8, 0x3c, 0x00, 0x00, 0x00,                // mov eax,60: exit
    0x0f, 0x05,                                  // syscall
];

/// Where the address's last number is in it.
const AMD64_ADDRESS: usize = 38;

/// Machine code for `linux/arm64`, the same steps.
#[rustfmt::skip]
const ARM64: &[u32] = &[
    0xf9400be1, // ldr x1, [sp, #16]
    0x52800000, // mov w0, #0x0
    0x52800143, // mov w3, #0xa
    // digit:
    0x38401422, // ldrb w2, [x1], #1
    0x34000082, // cbz w2, digits_done
    0x5100c042, // sub w2, w2, #0x30
    0x1b030800, // madd w0, w0, w3, w2
    0x17fffffc, // b digit
    // digits_done:
    0x5ac00400, // rev16 w0, w0
    0x53103c00, // lsl w0, w0, #16
    0x321f0000, // orr w0, w0, #0x2
    0xd2c00fe1, // mov x1, #0x7f00000000
    0xf2e02001, // movk x1, #0x100, lsl #48
    0xaa010014, // orr x20, x0, x1
    0xf9400ff5, // ldr x21, [sp, #24]
    0xd2800016, // mov x22, #0x0
    // length:
    0x38766aa2, // ldrb w2, [x21, x22]
    0x34000062, // cbz w2, length_done
    0x910006d6, // add x22, x22, #0x1
    0x17fffffd, // b length
    // length_done:
    0xd14043ff, // sub sp, sp, #0x10, lsl #12
    0xd10083ff, // sub sp, sp, #0x20
    0xa9007ff4, // stp x20, xzr, [sp]
    0x5285a002, // mov w2, #0x2d00
    0x72a02622, // movk w2, #0x131, lsl #16
    0xa9010bff, // stp xzr, x2, [sp, #16]
    // again:
    0xd2800040, // mov x0, #0x2
    0xd2800021, // mov x1, #0x1
    0xd2800002, // mov x2, #0x0
    0xd28018c8, // mov x8, 198: socket
    0xd4000001, // svc #0x0
    0xaa0003f3, // mov x19, x0
    0x910003e1, // mov x1, sp
    0xd2800202, // mov x2, #0x10
    0xd2801968, // mov x8, 203: connect
    0xd4000001, // svc #0x0
    0xb5000300, // cbnz x0, retry
    0xaa1303e0, // mov x0, x19
    0xaa1503e1, // mov x1, x21
    0xaa1603e2, // mov x2, x22
    0xd2880003, // mov x3, #0x4000
    0xd2800004, // mov x4, #0x0
    0xd2800005, // mov x5, #0x0
    0xd28019c8, // mov x8, 206: sendto
    0xd4000001, // svc #0x0
    0xd2800017, // mov x23, #0x0
    // copy:
    0xaa1303e0, // mov x0, x19
    0x910083e1, // add x1, sp, #0x20
    0xd2a00022, // mov x2, #0x10000
    0xd28007e8, // mov x8, 63: read
    0xd4000001, // svc #0x0
    0xf100001f, // cmp x0, #0x0
    0x540000ed, // b.le copied
    0xd2800037, // mov x23, #0x1
    0xaa0003e2, // mov x2, x0
    0xd2800020, // mov x0, #0x1
    0xd2800808, // mov x8, 64: write
    0xd4000001, // svc #0x0
    0x17fffff4, // b copy
    // copied:
    0xb5000137, // cbnz x23, done
    // retry:
    0xaa1303e0, // mov x0, x19
    0xd2800728, // mov x8, 57: close
    0xd4000001, // svc #0x0
    0x910043e0, // add x0, sp, #0x10
    0xd2800001, // mov x1, #0x0
    0xd2800ca8, // mov x8, 101: nanosleep
    0xd4000001, // svc #0x0
    0x17ffffd7, // b again
    // done:
    0xd2800000, // mov x0, #0x0
    0xd2800ba8, // mov x8, 93: exit
    0xd4000001, // svc #0x0
];

/// Which instruction holds the address's last number, and from which bit on.
const ARM64_ADDRESS: (usize, u32) = (12, 13);

/// `e_machine` of the ELF specification.
const EM_X86_64: u16 = 62;
const EM_AARCH64: u16 = 183;
/// Where the program is loaded; a multiple of every page size that Linux has on these machines.
const BASE: u64 = 0x40_0000;
const PAGE: u64 = 0x1_0000;
/// Sizes of the ELF header and of the one program header.
const EHDR: u16 = 64;
const PHDR: u16 = 56;

/// The program that asks at `address`, as an ELF file for an architecture in Go's spelling; `None` where there is no code
/// for it.
pub(crate) fn elf(architecture: &str, address: Address) -> Option<Vec<u8>> {
    let (machine, code) = match architecture {
        "amd64" => {
            let mut code = AMD64.to_vec();
            code[AMD64_ADDRESS] = address.last();
            (EM_X86_64, code)
        }
        "arm64" => {
            let mut code = ARM64.to_vec();
            let (at, bit) = ARM64_ADDRESS;
            code[at] = code[at] & !(0xff << bit) | u32::from(address.last()) << bit;
            (
                EM_AARCH64,
                code.iter().flat_map(|i| i.to_le_bytes()).collect(),
            )
        }
        _ => return None,
    };
    let headers = u64::from(EHDR + PHDR);
    let size = headers + code.len() as u64;
    let mut elf = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    // 64 bits, little endian, version 1.
    elf.extend_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    let half = |elf: &mut Vec<u8>, n: u16| elf.extend_from_slice(&n.to_le_bytes());
    let word = |elf: &mut Vec<u8>, n: u32| elf.extend_from_slice(&n.to_le_bytes());
    let long = |elf: &mut Vec<u8>, n: u64| elf.extend_from_slice(&n.to_le_bytes());
    half(&mut elf, 2); // ET_EXEC
    half(&mut elf, machine);
    word(&mut elf, 1);
    long(&mut elf, BASE + headers); // entry
    long(&mut elf, u64::from(EHDR)); // program headers
    long(&mut elf, 0); // section headers: none
    word(&mut elf, 0);
    for n in [EHDR, PHDR, 1, 64, 0, 0] {
        half(&mut elf, n);
    }
    word(&mut elf, 1); // PT_LOAD
    word(&mut elf, 5); // readable and executable
    for n in [0, BASE, BASE, size, size, PAGE] {
        long(&mut elf, n);
    }
    elf.extend_from_slice(&code);
    Some(elf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_engine_platform_with_code_gets_an_elf_of_its_machine() {
        for (architecture, machine) in [("amd64", EM_X86_64), ("arm64", EM_AARCH64)] {
            let own = elf(architecture, Address::Own).unwrap();
            assert_eq!(own[18..20], machine.to_le_bytes());
            assert!(own.len() < 512);
            // The codes are written down with 127.0.0.1, and no more than the address differs.
            let another = elf(architecture, Address::Another).unwrap();
            let differs = own.iter().zip(&another).filter(|(a, b)| a != b).count();
            assert_eq!(differs, 1);
        }
        assert_eq!(
            AMD64[AMD64_ADDRESS - 4..=AMD64_ADDRESS],
            [0xbb, 127, 0, 0, 1]
        );
        assert_eq!(ARM64[ARM64_ADDRESS.0] >> ARM64_ADDRESS.1 & 0xff, 1);
        assert!(elf("s390x", Address::Own).is_none());
    }

    /// The real program against a real server, as far as this machine can run it.
    #[cfg(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ))]
    #[test]
    fn it_waits_for_a_server_and_copies_its_answer() {
        use std::io::{Read, Write};
        use std::os::unix::fs::PermissionsExt;

        let architecture = if cfg!(target_arch = "x86_64") {
            "amd64"
        } else {
            "arm64"
        };
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("prober");
        std::fs::write(&path, elf(architecture, Address::Own).unwrap()).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        // A port that nobody listens on yet: bound for a moment, and let go.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let prober = std::process::Command::new(&path)
            .args([port.to_string().as_str(), "GET / HTTP/1.1\r\n\r\n"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(60));
        let listener = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
        // The first connection is closed without a word, as a server that is just starting may do.
        drop(listener.accept().unwrap());
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 18];
        stream.read_exact(&mut request).unwrap();
        assert_eq!(&request, b"GET / HTTP/1.1\r\n\r\n");
        let answer = vec![b'x'; 200_000];
        stream.write_all(&answer).unwrap();
        drop(stream);
        let output = prober.wait_with_output().unwrap();
        assert!(output.status.success());
        assert_eq!(output.stdout, answer);
    }
}
