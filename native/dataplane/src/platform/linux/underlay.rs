//! The underlay as it is, and what changes about it.

use std::io;
use std::thread;
use std::time::Duration;

use super::netlink::interfaces::{Interfaces, says_where_packets_go};
use super::netlink::news::{News, Subject};
use crate::failure::Failure;
use crate::platform::{Place, Underlay};

/// A change comes as several news. The first is told of at once; what follows is gathered for so long.
const SETTLE: Duration = Duration::from_millis(30);
const SUBJECTS: [Subject; 5] =
    [Subject::Links, Subject::Addresses4, Subject::Addresses6, Subject::Routes4, Subject::Routes6];

/// What this machine's kernel says.
pub struct LinuxUnderlay(Interfaces);

impl Underlay for LinuxUnderlay {
    fn open() -> Result<Self, Failure> {
        Interfaces::open().map(Self).map_err(|error| failure(&error))
    }

    fn watch(&mut self, mut each: impl FnMut(&Place) -> bool) -> Result<(), Failure> {
        let news = News::subscribe(&SUBJECTS, 0).map_err(|error| failure(&error))?;
        let mut told: Option<Place> = None;
        loop {
            let place = self.0.place().map_err(|error| failure(&error))?;
            if told.as_ref() != Some(&place) {
                if !each(&place) {
                    return Ok(());
                }
                told = Some(place);
            }
            loop {
                thread::sleep(SETTLE);
                if !news.wait().map_err(|error| failure(&error))? {
                    return Ok(());
                }
                if news.drain(says_where_packets_go) {
                    break;
                }
            }
        }
    }
}

fn failure(error: &io::Error) -> Failure {
    Failure::system("news of the underlay", error)
}
