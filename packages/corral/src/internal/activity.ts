/** Whether anything of corral's is going on: what tests that wait for quiet look at. */

export const activity = {
  /** Counts whatever corral does; two equal readings a turn of the event loop apart mean that all is quiet. */
  count: 0,
  /** How many turns of the event loop somebody still waits for. */
  turns: 0,
};
