// What is under way between its completion and its end, for the platform and for the raw pipeline alike: one clock, one definition of each moment.
const LOST_AFTER_MS = 60_000;

export class Flights {
  #flights = new Map();
  #toNotice = [];
  #toConfirmed = [];
  #unpurged = 0;
  #purgedAll = () => undefined;

  constructor(recipients) {
    this.recipients = recipients;
  }

  /** The service has answered that it has the packet whole (201, 202; raw: the publisher's confirm). */
  completed(id) {
    this.#of(id).completedAt = performance.now();
    this.#unpurged += 1;
  }

  /** A recipient has the notice in hand. It may come before the sender has its answer: that counts as 0 ms. */
  noticed(id, recipient) {
    const { notices } = this.#of(id);
    if (!notices.has(recipient)) notices.set(recipient, performance.now());
  }

  /** A recipient's confirmation is recorded. */
  confirmed(id, recipient) {
    const flight = this.#of(id);
    this.#toConfirmed.push(performance.now() - flight.notices.get(recipient));
    flight.left -= 1;
    if (flight.left === 0) flight.arrived.resolve();
  }

  failed(id, error) {
    this.#of(id).arrived.reject(error);
  }

  /** The content is gone. */
  purged(id) {
    const flight = this.#of(id);
    if (flight.purged) return;
    flight.purged = true;
    if (flight.completedAt !== undefined && flight.seen) this.#forget(id);
  }

  /** Resolves when every recipient has confirmed. */
  async arrival(id) {
    const flight = this.#of(id);
    const timer = setTimeout(
      () => flight.arrived.reject(new Error(`not confirmed within ${LOST_AFTER_MS / 1000} s`)),
      LOST_AFTER_MS,
    );
    try {
      await flight.arrived.promise;
      for (const at of flight.notices.values()) this.#toNotice.push(Math.max(0, at - flight.completedAt));
    } finally {
      clearTimeout(timer);
      flight.seen = true;
      if (flight.purged) this.#forget(id);
    }
  }

  /** Waits until the content of everything that was completed is gone. @returns packets of which that was not seen */
  async settle(limitMs = 60_000) {
    if (this.#unpurged > 0)
      await Promise.race([
        new Promise((resolve) => (this.#purgedAll = resolve)),
        new Promise((resolve) => setTimeout(resolve, limitMs).unref()),
      ]);
    return this.#unpurged;
  }

  /** @returns and forgets the times measured so far, ms */
  take() {
    const taken = { toNotice: this.#toNotice, toConfirmed: this.#toConfirmed };
    this.#toNotice = [];
    this.#toConfirmed = [];
    return taken;
  }

  #forget(id) {
    if (!this.#flights.delete(id)) return;
    this.#unpurged -= 1;
    if (this.#unpurged === 0) this.#purgedAll();
  }

  #of(id) {
    let flight = this.#flights.get(id);
    if (!flight) {
      const arrived = {};
      arrived.promise = new Promise((resolve, reject) => Object.assign(arrived, { resolve, reject }));
      // Whoever waits for it sees the failure; before that nobody may be listening.
      arrived.promise.catch(() => undefined);
      flight = {
        completedAt: undefined,
        notices: new Map(),
        left: this.recipients,
        arrived,
        seen: false,
        purged: false,
      };
      this.#flights.set(id, flight);
    }
    return flight;
  }
}
