//! Which CPU each thread that reads the device is kept on.

use lacis_contract::wire;

/// Where the readers of so many queues go: the CPU of each, in order. Empty: wherever the system puts them. One queue is never pinned: nothing
/// contends with it but what the system knows better.
///
/// What is asked for counts when all of it is allowed; else, and when nothing is asked for, the readers are spread over what is allowed, the first CPU
/// last: that is where everything else on a machine starts. `seed` moves the beginning, so that several data planes do not all begin on the same CPU.
pub fn cpus(threads: Option<&wire::ThreadPlacement>, queues: usize, allowed: &[usize]) -> Vec<usize> {
    let Some(threads) = threads.filter(|threads| threads.pinned && queues > 1) else { return vec![] };
    let asked: Vec<usize> = threads.cpus.iter().map(|cpu| *cpu as usize).collect();
    let is_possible = !asked.is_empty() && asked.iter().all(|cpu| allowed.contains(cpu));
    let (order, seed) = if is_possible { (asked, 0) } else { (first_last(allowed), threads.seed as usize) };
    (0..queues)
        .filter_map(|queue| order.get((seed % order.len().max(1) + queue) % order.len().max(1)).copied())
        .collect()
}

fn first_last(allowed: &[usize]) -> Vec<usize> {
    let mut order = allowed.to_vec();
    order.rotate_left(usize::from(!allowed.is_empty()));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(pinned: bool, seed: u32, cpus: &[u32], queues: usize) -> Vec<usize> {
        let threads = wire::ThreadPlacement { pinned, seed, cpus: cpus.to_vec() };
        super::cpus(Some(&threads), queues, &[0, 1, 4, 5])
    }

    #[test]
    fn readers_are_spread_over_what_is_allowed_the_first_last() {
        assert_eq!(placed(true, 0, &[], 3), [1, 4, 5]);
        assert_eq!(placed(true, 0, &[], 6), [1, 4, 5, 0, 1, 4]);
        assert_eq!(placed(true, 6, &[], 2), [5, 0]);
    }

    #[test]
    fn what_is_asked_for_counts_when_all_of_it_is_allowed() {
        assert_eq!(placed(true, 7, &[4, 0], 3), [4, 0, 4]);
        assert_eq!(placed(true, 0, &[4, 2], 3), [1, 4, 5]);
    }

    #[test]
    fn one_queue_and_whoever_wants_none_are_not_pinned() {
        assert!(placed(true, 0, &[4], 1).is_empty());
        assert!(placed(false, 0, &[4], 2).is_empty());
        assert!(super::cpus(None, 2, &[0, 1]).is_empty());
        assert!(super::cpus(Some(&wire::ThreadPlacement { pinned: true, ..Default::default() }), 2, &[]).is_empty());
    }
}
