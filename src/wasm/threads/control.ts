/** What the threads of a pool tell each other: 32-bit numbers in shared memory of their own. */

/** Functions that tasks call, by number. */
export const functions = ["matmul", "attend", "decode"] as const;

/** Places of the numbers. */
export const control = {
  /** Goes up with each call; workers wait for it. */
  call: 0,
  /** The next task to be taken. */
  next: 1,
  /** How many there are. */
  count: 2,
  /** How many are done; the caller waits for it. */
  done: 3,
  /** How tiles are made, which each instance of the kernels is told. */
  tile: 4,
  /** Whether the pool is closed. */
  closed: 5,
  /** Letters of the message of what went wrong, 0 if nothing did. */
  failed: 6,
  /** How many workers have started. */
  started: 7,
  /** How many tasks were done by workers, not by the caller. */
  helped: 8,
  /** Where each thread's scratch begins: the caller's, then the workers'. */
  scratch: 16,
  /**
   * Tasks of sixteen numbers: the function, where it looks for the address of the scratch (0: in its last argument),
   * how many other arguments it has, and those.
   */
  tasks: 80,
  /** A message, a letter each. */
  message: 80 + 16 * 1024,
  end: 80 + 16 * 1024 + 1024,
  functions,
} as const;

export type Control = typeof control;

export const mostThreads = control.tasks - control.scratch;
export const mostTasks = (control.message - control.tasks) / 16;
