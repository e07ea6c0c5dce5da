//! One command of the control plane, carried out.

use lacis_contract::v1::{result::Value, to_data_plane::Command};
use lacis_engine::engine::{Engine, Pass};
use lacis_engine::output::Output;

use crate::decode;
use crate::encode;
use crate::failure::Failure;

/// Carries out one command on the engine and says what to answer. Opening devices, Hello, Shutdown and the commands of `--memory`
/// are the caller's.
pub fn carry_out<O: Output>(
    command: Command,
    engine: &Engine,
    pass: &mut Pass<'_, O>,
) -> Result<Option<Value>, Failure> {
    match command {
        Command::Sample(_) => {
            let sample = engine.sample(encode::SAMPLED_SESSIONS_MAX);
            return Ok(Some(Value::Sampled(encode::sampled(sample))));
        }
        Command::Configure(facts) => engine.configure(decode::host_facts(&facts)?),
        Command::InstallSession(install) => pass.install(decode::installation(install)?)?,
        Command::SetPath(set) => {
            let path = set.path.as_ref().map(decode::endpoint).transpose()?;
            engine.set_path(set.local_index, path)?;
        }
        Command::SetPrimary(set) => pass.set_primary(set.local_index)?,
        Command::SetMemo(set) => engine.set_memo(set.local_index, set.memo)?,
        Command::RemoveSession(remove) => pass.remove(remove.local_index, remove.send_close)?,
        Command::ApplyPolicies(apply) => engine.apply_policies(decode::policy_change(&apply)?)?,
        Command::SealAndSend(seal) => {
            pass.seal_and_send(seal.local_index, decode::kind(seal.r#type, seal.subtype)?, &seal.body)?;
        }
        Command::SendDatagram(send) => {
            let to = decode::endpoint(&decode::required(send.to, "to")?)?;
            pass.send_datagram(to, &send.datagram)?;
        }
        Command::ReleaseParked(release) => pass.release(decode::address(&release.destination)?),
        Command::DropParked(drop) => pass.drop_parked(decode::address(&drop.destination)?),
        Command::InjectTun(_) | Command::InjectUdp(_) | Command::Advance(_) => {
            return Err(Failure::new("unsupported", "only understood by --memory"));
        }
        Command::Hello(_) | Command::Shutdown(_) | Command::OpenTun(_) | Command::OpenUdp(_) => {
            return Err(Failure::bad("this command does not steer the engine"));
        }
    }
    Ok(None)
}
