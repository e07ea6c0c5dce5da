//! The file system taken away by Landlock (landlock(7)), and with it TCP and, where the kernel can, signals to others.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
    RulesetStatus, Scope,
};

/// The newest that this list was written for: a later one might take something away that moving packets needs.
const KNOWN: ABI = ABI::V6;

/// From now on this thread opens nothing. In `folder` names can be removed: the control socket's goes with the process.
pub fn close(folder: Option<&Path>) -> Result<(), String> {
    match restrict(folder) {
        Ok(RulesetStatus::NotEnforced) => Err("this kernel has no Landlock (Linux 5.13), or it is turned off".into()),
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

fn restrict(folder: Option<&Path>) -> Result<RulesetStatus, RulesetError> {
    let nothing = Ruleset::default()
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::BindTcp | AccessNet::ConnectTcp)?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?
        .create()?;
    let granted = match folder.and_then(|folder| PathFd::new(folder).ok()) {
        Some(folder) => nothing.add_rule(PathBeneath::new(folder, AccessFs::RemoveFile))?,
        None => nothing,
    };
    Ok(granted.restrict_self()?.ruleset)
}
