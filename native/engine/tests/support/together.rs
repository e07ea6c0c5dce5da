//! What comes in one piece against the same one by one.

use lacis_engine::output::Event;
use lacis_engine::reports::SampleLimits;

use super::{Host, path};

/// What is sealed for the host, in one piece and one by one, comes to the same.
pub fn check(host: impl Fn() -> Host, datagrams: impl Fn(&mut Host) -> Vec<Vec<u8>>) -> Host {
    let (mut together, mut alone) = (host(), host());
    let sealed = datagrams(&mut together);
    let mut lying = sealed.concat();
    together.pass().inbound_all(&mut lying, sealed[0].len(), path());
    datagrams(&mut alone).into_iter().for_each(|datagram| alone.receive(datagram));
    assert_eq!(together.out.packets, alone.out.packets);
    assert_eq!(together.out.datagrams, alone.out.datagrams);
    assert_eq!(together.out.events, alone.out.events);
    assert_eq!(together.out.events_after, alone.out.events_after);
    let sample = |host: &mut Host| {
        host.pass().list_flows();
        let listed = std::mem::take(&mut host.out.events);
        (host.pass().sample(SampleLimits { sessions: 9, rules: 9, relays: 9 }), flows_by_port(listed))
    };
    assert_eq!(sample(&mut together), sample(&mut alone));
    together
}

/// Two tables have their flows in orders of their own.
fn flows_by_port(events: Vec<Event>) -> Vec<String> {
    let mut flows: Vec<String> = events.iter().map(|event| format!("{event:?}")).flat_map(|all| split(&all)).collect();
    flows.sort_unstable();
    flows
}

fn split(flows: &str) -> Vec<String> {
    flows.split("FlowView").map(|flow| flow.trim_end_matches([',', ' ', ']', ')']).to_owned()).collect()
}
