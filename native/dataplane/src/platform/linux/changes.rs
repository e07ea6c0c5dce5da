//! What others do to a device and to the ways of its packets.

use std::io;
use std::thread;
use std::time::Duration;

use lacis_engine::ip::Prefix;

use super::netlink::concern::Concern;
use super::netlink::news::{News, Subject};
use crate::failure::Failure;
use crate::platform::Changes;

/// A change comes as several news. They are gathered for so long.
const SETTLE: Duration = Duration::from_millis(30);
const SUBJECTS: [Subject; 7] = [
    Subject::Links,
    Subject::Addresses4,
    Subject::Addresses6,
    Subject::Routes4,
    Subject::Routes6,
    Subject::Rules4,
    Subject::Rules6,
];

/// What this machine's kernel tells of.
pub struct LinuxChanges;

impl Changes for LinuxChanges {
    fn watch(device: &str, networks: &[Prefix], mut each: impl FnMut() -> bool) -> Result<(), Failure> {
        let failure = |error: io::Error| Failure::system("news of the device", &error);
        let news = News::subscribe(&SUBJECTS, 0).map_err(failure)?.with_filters();
        let mut concern = Concern::new(device, networks);
        while each() {
            loop {
                if !news.wait().map_err(failure)? {
                    return Ok(());
                }
                thread::sleep(SETTLE);
                if news.drain(|kind, body| concern.includes(kind, body)) {
                    break;
                }
            }
        }
        Ok(())
    }
}
