//! One command of the control plane, carried out.

use lacis_contract::wire::{self, result::Value, to_data_plane::Command};
use lacis_engine::engine::{Engine, Pass};
use lacis_engine::kept_answer::NewAnswer;
use lacis_engine::output::Output;

use crate::decode;
use crate::encode;
use crate::failure::Failure;
use crate::staged::Staged;

/// Carries out one command on the engine and says what to answer. Opening devices, Hello, Shutdown, Confine and the commands of `--memory`
/// are the caller's.
pub fn carry_out<O: Output>(
    command: Command,
    engine: &Engine,
    pass: &mut Pass<'_, O>,
    staged: &mut Staged,
) -> Result<Option<Value>, Failure> {
    match command {
        Command::Sample(_) => {
            let sample = pass.sample(encode::SAMPLE_LIMITS);
            return Ok(Some(Value::Sampled(encode::sampled(sample))));
        }
        Command::Configure(facts) => pass.configure(decode::host_facts(&facts)?),
        Command::InstallSession(install) => pass.install(decode::installation(install)?)?,
        Command::SetPath(set) => {
            let path = set.path.as_ref().map(decode::path).transpose()?;
            engine.set_path(set.local_index, path, set.shun_left)?;
        }
        Command::SetPathMtu(set) => engine.set_path_mtu(set.local_index, set.mtu, set.large_above)?,
        Command::SetPrimary(set) => pass.set_primary(set.local_index)?,
        Command::RemoveSession(remove) => pass.remove(remove.local_index, remove.send_close)?,
        Command::Stage(stage) => staged.add(stage)?,
        Command::ApplyPolicies(apply) => engine.apply_policies(staged.commit_programs(apply)?)?,
        Command::ApplyRoutes(apply) => engine.apply_routes(staged.commit_routes(apply)?)?,
        Command::ListFlows(_) => pass.list_flows(),
        Command::StartCapture(start) => {
            let snap_bytes = if start.snap_bytes == 0 { usize::MAX } else { start.snap_bytes as usize };
            engine.capture.start(decode::capture_filter(&start.filter)?, snap_bytes);
        }
        Command::StopCapture(_) => engine.capture.stop(),
        Command::SealAndSend(seal) => {
            let to = seal.to.as_ref().map(decode::path).transpose()?;
            pass.seal_and_send(seal.local_index, decode::kind(seal.r#type, seal.subtype)?, &seal.body, to)?;
        }
        Command::SendDatagram(send) => {
            let path = decode::path(&decode::required(send.to, "to")?)?;
            pass.send_datagram(path, &send.datagram)?;
        }
        Command::DropParked(drop) => pass.drop_parked(decode::address(&drop.destination)?),
        Command::SetRelay(set) => engine.set_relay(decode::relay(&set)?)?,
        Command::RemoveRelay(remove) => engine.remove_relay(remove.relay_index),
        Command::KeepAnswer(wire::KeepAnswer { local_index, asked, answer, for_ms, heard }) => {
            pass.keep_answer(&NewAnswer { local_index, asked, answer, for_ms, heard })?;
        }
        Command::AwaitSession(session) => pass.await_session(session.local_index, session.for_ms)?,
        Command::WatchSilence(watch) => engine.watch_silence(watch.local_index, watch.after_ms)?,
        Command::Confine(_) => {
            return Err(Failure::unsupported("confine", "this data plane has no process of its own"));
        }
        Command::InjectTun(_) => return Err(only_in_memory("inject_tun")),
        Command::InjectUdp(_) => return Err(only_in_memory("inject_udp")),
        Command::Advance(_) => return Err(only_in_memory("advance")),
        Command::LookUpRoutes(_) => return Err(only_in_memory("look_up_routes")),
        Command::HandOver(_) | Command::Hello(_) | Command::Shutdown(_) | Command::OpenTun(_) | Command::OpenUdp(_) => {
            return Err(Failure::bad("this command does not steer the engine"));
        }
    }
    Ok(None)
}

fn only_in_memory(command: &str) -> Failure {
    Failure::unsupported(command, "only understood by --memory")
}
