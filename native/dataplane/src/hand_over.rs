//! Giving everything that moves packets to a newer data plane (SEMANTICS.md section 16).

use std::io;
use std::time::{Duration, Instant};

use lacis_contract::wire::{self, ToDataPlane, handed::Part, to_data_plane::Command};
use lacis_contract::{FRAME_LIMIT_BYTES, frame};
use lacis_engine::engine::{Engine, Pass};
use lacis_engine::hand_over::HandedSession;
use lacis_engine::output::Output;
use lacis_engine::policy::{Program, Rule};
use lacis_engine::route::Route;
use zeroize::{Zeroize, Zeroizing};

use crate::encode;
use crate::encode_commands;
use crate::platform::{ControlStream, HandleRef, await_bytes, give};

/// How long the newer one may take for all of it. What comes meanwhile waits in the system's buffers.
const PATIENCE: Duration = Duration::from_secs(5);
/// Rules, or routes, in one frame: at most some hundred bytes each.
const PIECES: usize = 1_024;
/// Bytes that are written at once.
const WRITE_BYTES: usize = 256 << 10;

/// Says everything to whoever asked, and waits for the word that it is all there. While this runs nothing else does.
pub fn hand_over<O: Output>(
    to: &ControlStream,
    (devices, files): (wire::HandedDevices, Vec<HandleRef<'_>>),
    configured: Option<&wire::Configure>,
    engine: &Engine,
    pass: &mut Pass<'_, O>,
) -> io::Result<()> {
    let until = Instant::now() + PATIENCE;
    let mut frames = Zeroizing::new(vec![]);
    frame::append(&handed(Part::Devices(devices)), &mut frames)?;
    give(to, &frames, &files, until)?;
    let mut speech = Speech { to, until, bytes: Zeroizing::new(Vec::with_capacity(WRITE_BYTES + FRAME_LIMIT_BYTES)) };
    if let Some(configured) = configured {
        speech.command(Command::Configure(configured.clone()))?;
    }
    speech.routes(engine.routes().all())?;
    speech.programs(engine.programs())?;
    for session in engine.handed_sessions() {
        speech.session(session)?;
    }
    for relay in engine.relays() {
        speech.command(Command::SetRelay(encode::relay(relay)))?;
    }
    for flows in pass.handed_flows() {
        let flows = flows.iter().map(|flow| wire::HandedFlow {
            flow: Some(encode::flow(flow)),
            icmp_in: flow.tuple.icmp_in.into(),
            is_rest: flow.tuple.is_rest,
        });
        speech.say(&handed(Part::Flows(wire::HandedFlows { flows: flows.collect() })))?;
    }
    speech.say(&handed(Part::End(wire::HandedEnd {})))?;
    speech.flush()?;
    await_word(to, until)?;
    // The last word is this one's: a newer one whose word came too late must not believe that it was heard.
    speech.say(&handed(Part::End(wire::HandedEnd {})))?;
    speech.flush()
}

fn await_word(from: &ControlStream, until: Instant) -> io::Result<()> {
    if !await_bytes(from, until.saturating_duration_since(Instant::now()))? {
        return Err(io::Error::from(io::ErrorKind::TimedOut));
    }
    let mut from = from;
    match frame::read::<ToDataPlane>(&mut from)?.and_then(|word| word.command) {
        Some(Command::Shutdown(_)) => Ok(()),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "it did not say that it has everything")),
    }
}

fn handed(part: Part) -> wire::Handed {
    wire::Handed { part: Some(part) }
}

struct Speech<'a> {
    to: &'a ControlStream,
    until: Instant,
    bytes: Zeroizing<Vec<u8>>,
}

impl Speech<'_> {
    fn say(&mut self, handed: &wire::Handed) -> io::Result<()> {
        frame::append(handed, &mut self.bytes)?;
        if self.bytes.len() >= WRITE_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        give(self.to, &self.bytes, &[], self.until)?;
        self.bytes.zeroize();
        Ok(())
    }

    fn command(&mut self, command: Command) -> io::Result<()> {
        self.say(&handed(Part::Command(ToDataPlane { request_id: 0, command: Some(command), ..Default::default() })))
    }

    fn routes(&mut self, routes: &[Route]) -> io::Result<()> {
        for piece in routes.chunks(PIECES) {
            let routes = piece.iter().map(|route| encode::route(Some(route))).collect();
            self.command(Command::Stage(wire::Stage { programs: vec![], routes }))?;
        }
        self.command(Command::ApplyRoutes(wire::ApplyRoutes { routes: vec![] }))
    }

    fn programs(&mut self, programs: Vec<(u32, Program)>) -> io::Result<()> {
        for (policy_id, program) in programs {
            let piece = |inbound: &[Rule], outbound: &[Rule]| wire::PolicyProgram {
                policy_id,
                inbound: inbound.iter().map(encode_commands::rule).collect(),
                outbound: outbound.iter().map(encode_commands::rule).collect(),
                refuse_inbound: encode_commands::refusal(program.refuse_inbound),
                refuse_outbound: encode_commands::refusal(program.refuse_outbound),
            };
            // One piece without rules, so that a program that allows nothing is there, too.
            let inbound = program.inbound.chunks(PIECES).map(|rules| piece(rules, &[]));
            let outbound = program.outbound.chunks(PIECES).map(|rules| piece(&[], rules));
            for piece in inbound.chain(outbound).chain([piece(&[], &[])]) {
                self.command(Command::Stage(wire::Stage { programs: vec![piece], routes: vec![] }))?;
            }
        }
        self.command(Command::ApplyPolicies(wire::ApplyPolicies::default()))
    }

    fn session(&mut self, session: HandedSession) -> io::Result<()> {
        let local_index = session.installation.local_index;
        let mut install = handed(Part::Command(ToDataPlane {
            request_id: 0,
            command: Some(Command::InstallSession(encode_commands::installation(session.installation))),
            quiet: false,
        }));
        let said = self.say(&install);
        if let Some(Part::Command(ToDataPlane { command: Some(Command::InstallSession(install)), .. })) =
            &mut install.part
        {
            install.send_key.zeroize();
            install.receive_key.zeroize();
        }
        said?;
        let (mtu, large_above) = session.path_mtu;
        if (mtu, large_above) != (0, 0) {
            self.command(Command::SetPathMtu(wire::SetPathMtu { local_index, mtu, large_above }))?;
        }
        let after_ms = session.silence_ms;
        if after_ms == 0 {
            return Ok(());
        }
        self.command(Command::WatchSilence(wire::WatchSilence { local_index, after_ms }))
    }
}
