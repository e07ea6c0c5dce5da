//! Pieces of the reports that commands print for the control plane.

use crate::failure::Failure;

/// A failure as JSON.
pub fn failure_json(Failure { code, message }: &Failure) -> String {
    format!("{{\"code\":\"{code}\",\"text\":\"{}\"}}", harmless(message))
}

/// Without what would end a string of JSON.
pub fn harmless(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && *c != '"' && *c != '\\').collect()
}
