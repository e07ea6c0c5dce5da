//! Trying the rest: a process that is confined tries what it was not left, one thing each, because some of it is the last thing it does.

use std::fs;
use std::io;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::ptr::null;
use std::thread;

use super::*;

/// Names the attempt in the process that makes it: this program, started once more for that.
const ATTEMPT: &str = "LACIS_TEST_ATTEMPT";

/// A system call by what it returns.
fn call(result: libc::c_long) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

type Attempt = (&'static str, fn() -> io::Result<()>);

/// What ends the process.
fn deadly() -> Vec<Attempt> {
    // SAFETY: none of these calls reads or writes memory of this process: they take numbers, null pointers and literals.
    unsafe {
        vec![
            ("start a program", || {
                call(libc::execv(c"/bin/true".as_ptr(), [c"true".as_ptr(), null()].as_ptr()).into())
            }),
            ("trace a process", || call(libc::ptrace(libc::PTRACE_ATTACH, libc::getppid(), 0, 0))),
            ("read another process", || {
                call(libc::process_vm_readv(libc::getppid(), null(), 0, null(), 0, 0) as libc::c_long)
            }),
            ("signal another process", || call(libc::kill(libc::getppid(), 0).into())),
            ("open a socket", || UdpSocket::bind("127.0.0.1:0").map(drop)),
            ("connect to somebody", || TcpStream::connect("127.0.0.1:9").map(drop)),
            ("change the network", || call(libc::socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE).into())),
            ("change the namespace", || call(libc::setns(0, libc::CLONE_NEWNET).into())),
            ("make a namespace", || call(libc::unshare(libc::CLONE_NEWUSER).into())),
            ("mount a file system", || {
                call(libc::mount(c"none".as_ptr(), c"/tmp".as_ptr(), c"tmpfs".as_ptr(), 0, null()).into())
            }),
            ("load a program into the kernel", || call(libc::syscall(libc::SYS_bpf, 0, 0, 0))),
            ("become somebody else", || call(libc::syscall(libc::SYS_setresuid, 1, 1, 1))),
            ("get a privilege back", || call(libc::syscall(libc::SYS_capset, null::<u8>(), null::<u8>()))),
            ("queue system calls past the filter", || call(libc::syscall(libc::SYS_io_uring_setup, 1, 0))),
        ]
    }
}

/// What is refused, so that a library may try it.
fn refused() -> Vec<Attempt> {
    fn map(protection: libc::c_int) -> io::Result<()> {
        // SAFETY: a new anonymous mapping overlaps nothing.
        let at =
            unsafe { libc::mmap(std::ptr::null_mut(), 4_096, protection, libc::MAP_PRIVATE | libc::MAP_ANON, -1, 0) };
        if at == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
    // SAFETY: these calls take plain numbers.
    unsafe {
        vec![
            ("read a file", || fs::read("/etc/passwd").map(drop)),
            ("read its own memory through a file", || fs::read("/proc/self/maps").map(drop)),
            ("write a file", || fs::write("/tmp/lacis-test-escaped", "x")),
            ("remove a file elsewhere", || fs::remove_file("/etc/hostname")),
            ("list a folder", || fs::read_dir("/").map(drop)),
            ("map memory as code", || map(libc::PROT_READ | libc::PROT_EXEC)),
            ("start a thread", || thread::Builder::new().spawn(|| ()).map(drop)),
            ("become a second process", || call(libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0))),
            ("let itself be dumped again", || call(libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0).into())),
        ]
    }
}

/// What each measure takes away when it is the only one.
fn alone() -> Vec<Attempt> {
    // SAFETY: the call takes a plain number.
    unsafe {
        vec![
            ("files: read a file", || {
                files::close(None).map_err(io::Error::other)?;
                fs::read("/etc/passwd").map(drop)
            }),
            ("files: remove a file", || {
                files::close(None).map_err(io::Error::other)?;
                fs::remove_file(std::env::temp_dir().join("lacis-test-to-remove"))
            }),
            ("files: connect by TCP", || {
                files::close(None).map_err(io::Error::other)?;
                TcpStream::connect("127.0.0.1:9").map(drop)
            }),
            ("privileges: make a namespace", || {
                privileges::drop_all().map_err(io::Error::other)?;
                call(libc::unshare(libc::CLONE_NEWNET).into())
            }),
            ("new code: map memory as code", || {
                memory::refuse_new_code().map_err(io::Error::other)?;
                let data = vec![0u8; 8_192];
                let page = data.as_ptr().map_addr(|at| (at + 4_095) & !4_095);
                call(libc::mprotect(page.cast_mut().cast(), 4_096, libc::PROT_READ | libc::PROT_EXEC).into())
            }),
        ]
    }
}

/// What stays possible.
fn left() -> Vec<Attempt> {
    vec![
        ("use memory, time and pipes", || {
            let used: Vec<Vec<u8>> = (1..200).map(|n| vec![1; n * 1_000]).collect();
            drop(used);
            thread::sleep(std::time::Duration::from_millis(1));
            Ok(())
        }),
        ("remove what lies beside its socket", || {
            fs::remove_file(folder().join("socket"))?;
            Ok(())
        }),
    ]
}

fn folder() -> std::path::PathBuf {
    std::env::temp_dir().join("lacis-test-confined")
}

/// Not a test: what the other process does.
#[test]
#[ignore = "run by the tests below, in a process of its own"]
fn attempt() {
    let Ok(name) = std::env::var(ATTEMPT) else { return };
    let (how, what) = name.split_once('/').unwrap();
    let attempts = [deadly(), refused(), alone(), left()].concat();
    let (_, attempt) = attempts.into_iter().find(|(known, _)| *known == what).unwrap();
    if how == "confined" {
        let confinement = confine(Path::new(&folder().join("socket")), harden());
        assert!(confinement.holds.contains(&Measure::FewSystemCalls), "{:?}", confinement.lacking);
    }
    let code = match attempt() {
        Ok(()) => 0,
        Err(error) => error.raw_os_error().unwrap_or(255),
    };
    std::process::exit(code);
}

fn outcome(how: &str, what: &str) -> ExitStatus {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "platform::linux::confine::tests::attempt", "--ignored", "--nocapture", "--test-threads=1"])
        .env(ATTEMPT, format!("{how}/{what}"))
        .output()
        .unwrap()
        .status
}

#[test]
fn what_only_an_intruder_tries_ends_the_process() {
    for (what, _) in deadly() {
        assert_eq!(outcome("confined", what).signal(), Some(libc::SIGSYS), "{what}");
    }
}

#[test]
fn what_a_library_might_try_is_refused() {
    for (what, _) in refused() {
        let code = outcome("confined", what).code();
        assert!(matches!(code, Some(libc::EPERM | libc::EACCES)), "{what}: {code:?}");
    }
}

#[test]
fn each_measure_refuses_by_itself() {
    let file = std::env::temp_dir().join("lacis-test-to-remove");
    fs::write(&file, "x").unwrap();
    for (what, _) in alone() {
        let code = outcome("alone", what).code();
        assert!(matches!(code, Some(libc::EPERM | libc::EACCES)), "{what}: {code:?}");
    }
    fs::remove_file(file).unwrap();
}

#[test]
fn without_confinement_most_of_it_would_have_worked() {
    let works = |what| outcome("free", what).code() == Some(0);
    for what in ["open a socket", "change the network", "signal another process", "start a program"] {
        assert!(works(what), "{what}");
    }
    for what in ["read a file", "list a folder", "map memory as code", "start a thread", "become a second process"] {
        assert!(works(what), "{what}");
    }
}

#[test]
fn what_moving_packets_takes_is_left() {
    fs::create_dir_all(folder()).unwrap();
    fs::write(folder().join("socket"), "").unwrap();
    for (what, _) in left() {
        assert_eq!(outcome("confined", what).code(), Some(0), "{what}");
    }
    fs::remove_dir_all(folder()).unwrap();
}
