interface Waiting<Asked, Answer> {
  asked: Asked;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

/** How many works go on at a time, and how many that wait one of them takes along. */
interface LaneLimits {
  lanes: number;
  together: number;
}

/**
 * What thousands of streams want of the database at the same moment: it goes there in a few lanes, and each time a lane is free, as many as wait by then go
 * together. Alone nobody waits. Without it each would ask for a connection of the pool, where a place is waited for 3 s and then refused.
 */
export class Lanes<Asked, Answer> {
  private readonly waiting: Waiting<Asked, Answer>[] = [];
  private busy = 0;

  /** @param work answers for each in their order; one error is the error of all that went together */
  constructor(
    private readonly limits: LaneLimits,
    private readonly work: (asked: Asked[]) => Promise<Answer[]>,
  ) {}

  ask(asked: Asked): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ asked, resolve, reject });
      if (this.busy < this.limits.lanes) void this.go();
    });
  }

  private async go(): Promise<void> {
    this.busy += 1;
    while (this.waiting.length > 0) {
      const together = this.waiting.splice(0, this.limits.together);
      try {
        const answers = await this.work(together.map(({ asked }) => asked));
        for (const [index, { resolve }] of together.entries()) resolve(answers[index]);
      } catch (error) {
        for (const { reject } of together) reject(error);
      }
    }
    this.busy -= 1;
  }
}
