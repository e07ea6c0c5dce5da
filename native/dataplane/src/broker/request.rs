//! What may be asked of a broker: arguments of this program's own commands, and three open files for their standard input, output and error.
//!
//! ```text
//! bytes  0..4                     4..
//!        length (little endian)   arguments, a zero byte between two of them
//! ```

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::arguments::{self, Arguments};
use crate::platform::{Handle, HandleRef, give, take};

/// The routes of a host with very many networks come by standard input: this is for names and prefixes.
const ARGUMENTS_BYTES_MAX: usize = 64 << 10;
/// Whoever asks has all of it at hand.
const WITHIN: Duration = Duration::from_secs(1);

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// To move packets, from now on.
    DataPlane,
    /// Something that is waited for.
    Command,
}

/// One that was read and may be carried out.
pub struct Request {
    pub task: Task,
    pub arguments: Vec<String>,
    pub stdin: Stdio,
    pub stdout: Stdio,
    pub stderr: Stdio,
}

impl Request {
    /// The next one of this connection. The error is a sentence. `socket`: where the data plane listens that may be started.
    pub fn read(from: &UnixStream, socket: &Path) -> Result<Self, String> {
        let (bytes, files) = receive(from).map_err(|error| error.to_string())?;
        let text = String::from_utf8(bytes).map_err(|_| "arguments that are no text")?;
        let arguments: Vec<String> = text.split('\0').map(String::from).collect();
        let task = task_of(&arguments, socket)?;
        let [stdin, stdout, stderr] =
            <[Handle; 3]>::try_from(files).map_err(|files| format!("{} open files instead of three", files.len()))?;
        Ok(Self { task, arguments, stdin: stdin.into(), stdout: stdout.into(), stderr: stderr.into() })
    }

    /// Sends one.
    pub fn send(to: &UnixStream, arguments: &[String], files: &[HandleRef<'_>; 3]) -> io::Result<()> {
        let text = arguments.join("\0");
        let length = u32::try_from(text.len()).map_err(io::Error::other)?;
        let bytes = [&length.to_le_bytes()[..], text.as_bytes()].concat();
        give(to, &bytes, files, Instant::now() + WITHIN)
    }
}

/// What these arguments ask for, if a broker does it.
pub fn task_of(arguments: &[String], socket: &Path) -> Result<Task, String> {
    match arguments::parse(arguments.iter().cloned())? {
        Arguments::Guard(_) | Arguments::Routes(_) | Arguments::WatchChanges(_) => Ok(Task::Command),
        Arguments::Serve { socket: wanted, .. } if wanted == socket => Ok(Task::DataPlane),
        Arguments::Serve { .. } => Err(format!("the data plane of this broker listens at {}", socket.display())),
        _ => Err("a broker sets guard and routes, watches for changes, and starts its data plane".into()),
    }
}

fn receive(from: &UnixStream) -> io::Result<(Vec<u8>, Vec<Handle>)> {
    from.set_read_timeout(Some(WITHIN))?;
    let (mut bytes, mut files, mut wanted) = (vec![], vec![], None);
    let mut buffer = vec![0; ARGUMENTS_BYTES_MAX];
    while wanted.is_none_or(|wanted| bytes.len() < wanted) {
        let (read, more) = take(from, &mut buffer)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        files.extend(more);
        bytes.extend(buffer.iter().take(read));
        if let (None, Some((length, _))) = (wanted, bytes.split_first_chunk()) {
            let length = u32::from_le_bytes(*length) as usize;
            if length > ARGUMENTS_BYTES_MAX {
                return Err(io::Error::other(format!("more than {ARGUMENTS_BYTES_MAX} bytes of arguments")));
            }
            wanted = Some(4 + length);
        }
        if bytes.len() > 4 + ARGUMENTS_BYTES_MAX || files.len() > 3 {
            return Err(io::Error::other("more than one request"));
        }
    }
    bytes.drain(..4);
    Ok((bytes, files))
}

#[cfg(test)]
#[cfg(not(lacis_null_cipher))]
mod tests {
    use super::*;

    fn task(line: &str) -> Result<Task, String> {
        let arguments: Vec<String> = line.split_whitespace().map(String::from).collect();
        task_of(&arguments, Path::new("/run/d.sock"))
    }

    #[test]
    fn guard_routes_changes_and_the_one_data_plane_may_be_asked_for() {
        for line in ["guard clear --owner a", "routes clear --device mesh0", "changes watch --device mesh0"] {
            assert_eq!(task(line), Ok(Task::Command), "{line}");
        }
        assert_eq!(task("--socket /run/d.sock --take-over"), Ok(Task::DataPlane));
    }

    #[test]
    fn nothing_else_may() {
        let broker = "broker --listen /run/b.sock --socket /run/d.sock";
        let others = ["--socket /tmp/other.sock", "--memory", "notify READY=1", broker, "ask /run/b.sock guard", ""];
        for line in others {
            assert!(task(line).is_err(), "{line}");
        }
        for line in ["guard set --owner a* --network 10.0.0.1/8", "guard set --owner a --network 10.0.0.1/33"] {
            assert!(task(line).is_err(), "what the command itself would refuse: {line}");
        }
    }

    #[test]
    fn a_request_is_read_as_it_was_sent_and_a_damaged_one_is_refused() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let file = std::fs::File::open("/dev/null").unwrap();
        let files = [&file; 3].map(std::os::fd::AsFd::as_fd);
        let arguments = ["guard", "show", "--owner", "a"].map(String::from);
        Request::send(&ours, &arguments, &files).unwrap();
        let read = Request::read(&theirs, Path::new("/run/d.sock")).unwrap();
        assert_eq!((read.task, read.arguments), (Task::Command, arguments.to_vec()));

        give(&ours, &[4, 0, 0, 0, b'a'], &[], Instant::now() + WITHIN).unwrap();
        drop(ours);
        assert!(Request::read(&theirs, Path::new("/run/d.sock")).is_err(), "its end is missing");
        let (ours, theirs) = UnixStream::pair().unwrap();
        give(&ours, &[255; 8], &[], Instant::now() + WITHIN).unwrap();
        assert!(Request::read(&theirs, Path::new("/run/d.sock")).is_err(), "too long");
        Request::send(&ours, &["guard".into()], &files).unwrap();
    }
}
