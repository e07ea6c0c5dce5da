//! Hosts that a lighthouse knows already: they report, ask for each other, and answer its test requests.

use std::collections::HashMap;
use std::error::Error;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use lacis_engine::aead::{Aead, Cipher, Library, SecretKey};
use lacis_engine::header::{HEADER_BYTES, Header, Kind};

use super::spread::Spread;

/// What is said, and for how long.
pub struct Plan {
    pub lighthouse: SocketAddr,
    pub queries_per_second: u32,
    pub reports_per_second: u32,
    pub time: Duration,
}

/// Answers that come later than so long after the last question count as none.
const PATIENCE: Duration = Duration::from_secs(1);
/// Two primes: hosts take turns in another order than that in which they came, and none has two questions under way.
const ASK_STRIDE: usize = 7_919;
const REPORT_STRIDE: usize = 6_007;
/// How the body of a lighthouse's answer begins: its type is 2 (protocol, section 7).
const ANSWER: [u8; 2] = [0x08, 0x02];
/// Sockets share a memory of the kernel's that has to last while this program is not given the processor.
const RECEIVE_BYTES: i32 = 4 << 20;

/// Does it, and says how much there was and how long the answers took, from when a question was due to when its answer had been read.
pub fn ask(plan: &Plan, hosts: &str) -> Result<String, Box<dyn Error>> {
    let mut askers = Askers::read(hosts, plan.lighthouse)?;
    let begin = Instant::now();
    let (mut asked, mut reported) = (0, 0);
    let questions = due(plan.queries_per_second, plan.time);
    while begin.elapsed() < plan.time + PATIENCE {
        let now = begin.elapsed().min(plan.time);
        while asked < due(plan.queries_per_second, now) {
            askers.ask(asked, begin + Duration::from_secs(1) * asked as u32 / plan.queries_per_second);
            asked += 1;
        }
        while reported < due(plan.reports_per_second, now) {
            askers.report(reported);
            reported += 1;
        }
        askers.wait()?;
        askers.listen();
    }
    let Askers { answers, tests, .. } = askers;
    Ok(format!(r#"{{{answers},"asked":{questions},"tests":{tests}}}"#))
}

/// How many are due at a steady rate.
fn due(per_second: u32, elapsed: Duration) -> usize {
    (elapsed.as_secs_f64() * f64::from(per_second)) as usize
}

struct Askers {
    sockets: Vec<UdpSocket>,
    polled: Vec<libc::pollfd>,
    hosts: Vec<Host>,
    /// Of a host in `hosts`, by its index.
    by_index: HashMap<u32, usize>,
    answers: Spread,
    tests: u64,
    chance: u64,
}

struct Host {
    socket: usize,
    remote_index: u32,
    counter: u64,
    send: Aead,
    receive: Aead,
    report: Vec<u8>,
    /// Asks for this host.
    query: Vec<u8>,
    asked_at: Option<Instant>,
}

impl Askers {
    /// Of lines `ADDRESS:PORT LOCAL_INDEX REMOTE_INDEX COUNTER SEND_KEY RECEIVE_KEY REPORT QUERY`, bytes as hex.
    fn read(text: &str, lighthouse: SocketAddr) -> Result<Self, Box<dyn Error>> {
        let mut places: HashMap<SocketAddr, usize> = HashMap::new();
        let (mut sockets, mut hosts, mut by_index) = (Vec::new(), Vec::new(), HashMap::new());
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let [place, local_index, remote_index, counter, send, receive, report, query] = words[..] else {
                return Err(format!("not a host: {line}").into());
            };
            let place: SocketAddr = place.parse()?;
            let socket = match places.get(&place) {
                Some(&known) => known,
                None => {
                    sockets.push(open(place, lighthouse)?);
                    *places.entry(place).or_insert(sockets.len() - 1)
                }
            };
            by_index.insert(local_index.parse()?, hosts.len());
            let (remote_index, counter) = (remote_index.parse()?, counter.parse()?);
            let (send, receive) = (key(send)?, key(receive)?);
            let (report, query) = (bytes(report)?, bytes(query)?);
            hosts.push(Host { socket, remote_index, counter, send, receive, report, query, asked_at: None });
        }
        if hosts.is_empty() {
            return Err("no hosts on standard input".into());
        }
        let polled =
            sockets.iter().map(|socket| libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLIN, revents: 0 });
        let polled = polled.collect();
        Ok(Self { sockets, polled, hosts, by_index, answers: Spread::default(), tests: 0, chance: 1 })
    }

    /// Askers take turns; whom they ask for is spread by chance.
    fn ask(&mut self, number: usize, due_at: Instant) {
        let asker = number * ASK_STRIDE % self.hosts.len();
        let target = self.draw();
        self.hosts[asker].asked_at = Some(due_at);
        let body = self.hosts[target].query.clone();
        self.say(asker, Kind::LightHouse, body);
    }

    fn report(&mut self, number: usize) {
        let host = number * REPORT_STRIDE % self.hosts.len();
        let body = self.hosts[host].report.clone();
        self.say(host, Kind::LightHouse, body);
    }

    /// Marsaglia's xorshift: the same every time.
    fn draw(&mut self) -> usize {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        (self.chance % self.hosts.len() as u64) as usize
    }

    fn say(&mut self, host: usize, kind: Kind, mut body: Vec<u8>) {
        let Host { socket, remote_index, counter, send, .. } = &mut self.hosts[host];
        *counter += 1;
        let header = Header { kind, remote_index: *remote_index, counter: *counter }.encode();
        let Some(tag) = send.seal(*counter, &header, &mut body) else { return };
        let datagram = [&header[..], &body, &tag].concat();
        // What does not go is a question without an answer.
        let _ = self.sockets[*socket].send(&datagram);
    }

    /// Until something has come, or for the tenth of a millisecond in which nothing is likely to be due.
    fn wait(&mut self) -> std::io::Result<()> {
        let pause = libc::timespec { tv_sec: 0, tv_nsec: 100_000 };
        // SAFETY: the pointer and the length are those of `polled`, whose descriptors belong to `sockets`; no signals are masked.
        let ready = unsafe {
            libc::ppoll(self.polled.as_mut_ptr(), self.polled.len() as libc::nfds_t, &raw const pause, std::ptr::null())
        };
        if ready < 0 { Err(std::io::Error::last_os_error()) } else { Ok(()) }
    }

    fn listen(&mut self) {
        let mut datagram = [0; 2048];
        for socket in 0..self.polled.len() {
            if self.polled[socket].revents == 0 {
                continue;
            }
            while let Ok(length) = self.sockets[socket].recv(&mut datagram) {
                self.hear(&mut datagram[..length]);
            }
        }
    }

    fn hear(&mut self, datagram: &mut [u8]) {
        let Ok(Header { kind, remote_index, counter }) = Header::decode(datagram) else { return };
        let Some(&host) = self.by_index.get(&remote_index) else { return };
        let Some((header, sealed)) = datagram.split_first_chunk_mut::<HEADER_BYTES>() else { return };
        let Some(body) = self.hosts[host].receive.open(counter, header, sealed) else { return };
        if kind == Kind::TestRequest {
            self.tests += 1;
            let body = body.to_vec();
            self.say(host, Kind::TestReply, body);
        } else if kind == Kind::LightHouse
            && body.starts_with(&ANSWER)
            && let Some(asked_at) = self.hosts[host].asked_at.take()
        {
            self.answers.add(asked_at.elapsed());
        }
    }
}

fn open(place: SocketAddr, lighthouse: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = UdpSocket::bind(place)?;
    socket.connect(lighthouse)?;
    socket.set_nonblocking(true)?;
    // Without the privilege the system's limit holds.
    let _ = crate::socket::set_buffers(&socket, RECEIVE_BYTES);
    Ok(socket)
}

fn key(hex: &str) -> Result<Aead, Box<dyn Error>> {
    let bytes = bytes(hex)?.try_into().map_err(|_| "not a key")?;
    Aead::new(Library::default(), Cipher::Aes256Gcm, &SecretKey::new(bytes)).ok_or_else(|| "a key is refused".into())
}

fn bytes(hex: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    if !hex.is_ascii() || !hex.len().is_multiple_of(2) {
        return Err("not hex".into());
    }
    (0..hex.len()).step_by(2).map(|at| Ok(u8::from_str_radix(&hex[at..at + 2], 16)?)).collect()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const KEY: &str = "0707070707070707070707070707070707070707070707070707070707070707";

    #[test]
    fn an_answer_counts_from_when_its_question_was_due_and_a_question_without_one_does_not() {
        let lighthouse = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        let to = lighthouse.local_addr().expect("its address");
        let answering = std::thread::spawn(move || {
            let key = key(KEY).expect("a key");
            let mut datagram = [0; 64];
            let (_, from) = lighthouse.recv_from(&mut datagram).expect("a question");
            let header = Header { kind: Kind::LightHouse, remote_index: 1, counter: 9 }.encode();
            let mut body = ANSWER.to_vec();
            let tag = key.seal(9, &header, &mut body).expect("sealed");
            lighthouse.send_to(&[&header[..], &body, &tag].concat(), from).expect("sent");
        });
        let hosts = format!("127.0.0.1:0 1 77 2 {KEY} {KEY} 0801 0801");
        let plan =
            Plan { lighthouse: to, queries_per_second: 20, reports_per_second: 0, time: Duration::from_millis(100) };
        let told = ask(&plan, &hosts).expect("asked");
        answering.join().expect("answered");
        assert!(told.starts_with(r#"{"count":1,"#) && told.ends_with(r#""asked":2,"tests":0}"#), "{told}");
    }

    #[test]
    fn a_line_that_is_no_host_is_refused() {
        let plan = Plan {
            lighthouse: SocketAddr::from((Ipv4Addr::LOCALHOST, 1)),
            queries_per_second: 1,
            reports_per_second: 0,
            time: Duration::ZERO,
        };
        for hosts in ["", "127.0.0.1:0 1 77", "127.0.0.1:0 1 77 2 07 07 0801 0801", "127.0.0.1:0 1 77 2 x y z w"] {
            assert!(ask(&plan, hosts).is_err(), "{hosts}");
        }
    }
}
