//! What a cable does to what is on it, as text: a line for the seed and one for each direction.
//!
//! ```text
//! seed 7
//! out delay-ms=150 jitter-ms=60 loss=0.05 duplicate=0.05 copies=1 corrupt=0.03 reorder=0.1
//! in burst-begins=0.01 burst-ends=0.05 rate-kbit=1000 queue-ms=100 above=1280
//! ```
//!
//! Whatever is left out does nothing.

use std::io;

/// One direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Every packet takes this long, more or less by up to `jitter_ms`.
    pub delay_ms: f64,
    pub jitter_ms: f64,
    /// Probability that a packet is lost.
    pub loss: f64,
    /// Probability, with each packet, that a burst begins in which all are lost, and that it ends.
    pub burst_begins: f64,
    pub burst_ends: f64,
    /// Probability that `copies` more of a packet arrive.
    pub duplicate: f64,
    pub copies: usize,
    /// Probability that one bit behind the UDP header is another one.
    pub corrupt: f64,
    /// Probability that a packet is not delayed, and so overtakes those before it.
    pub reorder: f64,
    /// How much goes through; what would wait longer than `queue_ms` for its turn is lost. 0: as much as there is.
    pub rate_kbit: f64,
    pub queue_ms: f64,
    /// IPv4 packets that are longer are lost. 0: none.
    pub above: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            delay_ms: 0.0,
            jitter_ms: 0.0,
            loss: 0.0,
            burst_begins: 0.0,
            burst_ends: 1.0,
            duplicate: 0.0,
            copies: 1,
            corrupt: 0.0,
            reorder: 0.0,
            rate_kbit: 0.0,
            queue_ms: 100.0,
            above: 0,
        }
    }
}

/// The seed and the two directions, outwards first.
pub fn parse(text: &str) -> io::Result<(u64, [Settings; 2])> {
    let mut seed = 0;
    let mut directions = [Settings::default(), Settings::default()];
    for line in text.lines() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("seed") => seed = number(words.next().unwrap_or_default())?,
            Some("out") => directions[0] = direction(words)?,
            Some("in") => directions[1] = direction(words)?,
            Some(other) => return Err(unknown(other)),
            None => {}
        }
    }
    Ok((seed, directions))
}

fn direction<'a>(words: impl Iterator<Item = &'a str>) -> io::Result<Settings> {
    let mut settings = Settings::default();
    for word in words {
        let (name, value) = word.split_once('=').ok_or_else(|| unknown(word))?;
        match name {
            "delay-ms" => settings.delay_ms = number(value)?,
            "jitter-ms" => settings.jitter_ms = number(value)?,
            "loss" => settings.loss = number(value)?,
            "burst-begins" => settings.burst_begins = number(value)?,
            "burst-ends" => settings.burst_ends = number(value)?,
            "duplicate" => settings.duplicate = number(value)?,
            "copies" => settings.copies = number(value)?,
            "corrupt" => settings.corrupt = number(value)?,
            "reorder" => settings.reorder = number(value)?,
            "rate-kbit" => settings.rate_kbit = number(value)?,
            "queue-ms" => settings.queue_ms = number(value)?,
            "above" => settings.above = number(value)?,
            other => return Err(unknown(other)),
        }
    }
    Ok(settings)
}

fn number<T: std::str::FromStr>(text: &str) -> io::Result<T> {
    text.parse().map_err(|_| unknown(text))
}

fn unknown(word: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("\"{word}\" in the settings"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_does_nothing_and_what_is_unknown_is_refused() {
        let (seed, [outwards, inwards]) = parse("seed 7\nout loss=0.5 copies=2\n\nin\n").expect("it is right");
        assert_eq!(seed, 7);
        assert_eq!(outwards, Settings { loss: 0.5, copies: 2, ..Settings::default() });
        assert_eq!(inwards, Settings::default());
        assert!(parse("out lost=0.5").is_err());
        assert!(parse("out loss=much").is_err());
        assert!(parse("sideways loss=1").is_err());
    }
}
