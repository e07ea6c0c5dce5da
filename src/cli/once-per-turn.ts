/**
 * Answers however many calls of one turn of the event loop by doing it once, after what else waits in that turn. Signals come in
 * bundles of up to 32 (libuv), and a reload for each would keep everybody else waiting for seconds.
 */
export function oncePerTurn(act: () => void): () => void {
  let wanted = false;
  return () => {
    if (wanted) return;
    wanted = true;
    setImmediate(() => {
      wanted = false;
      act();
    });
  };
}
