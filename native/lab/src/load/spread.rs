//! How measured times are spread.

use std::fmt;
use std::time::Duration;

/// Times of something that was done again and again.
#[derive(Default)]
pub struct Spread(Vec<Duration>);

impl Spread {
    pub fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub fn merge(&mut self, other: Spread) {
        self.0.extend(other.0);
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// The members of a JSON object, without its braces.
impl fmt::Display for Spread {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = |share: f64| {
            let index = (sorted.len() as f64 * share) as usize;
            sorted.get(index.min(sorted.len().saturating_sub(1))).map_or(0.0, |time| time.as_secs_f64() * 1e6)
        };
        write!(out, r#""count":{},"p50Us":{:.1},"p99Us":{:.1},"maxUs":{:.1}"#, sorted.len(), at(0.5), at(0.99), at(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_names_the_middle_and_the_slow_end() {
        let mut spread = Spread::default();
        (1..=100).rev().for_each(|us| spread.add(Duration::from_micros(us)));
        assert_eq!(spread.to_string(), r#""count":100,"p50Us":51.0,"p99Us":100.0,"maxUs":100.0"#);
    }

    #[test]
    fn a_spread_of_nothing_has_no_times() {
        assert_eq!(Spread::default().to_string(), r#""count":0,"p50Us":0.0,"p99Us":0.0,"maxUs":0.0"#);
    }
}
