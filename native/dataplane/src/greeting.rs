//! How far a conversation with a control plane has come.

/// What may be said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Greeting {
    /// Only Hello.
    #[default]
    Awaited,
    /// Anything.
    Agreed,
    /// Only Shutdown: there is no version that both speak, but any control plane can end any data plane.
    Stranger,
}
