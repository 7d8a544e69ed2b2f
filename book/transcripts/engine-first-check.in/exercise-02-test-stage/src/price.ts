export interface Price {
  minutes: number;
  cents: number;
}

const FREE_MINUTES = 15;
const CENTS_A_HALF_HOUR = 120;
const CENTS_A_DAY = 1800;
const MINUTES_A_DAY = 24 * 60;

/**
 * The first quarter of an hour is free. After that, every half hour begun is
 * paid, but no day costs more than the day's price.
 */
export function price(minutes: number): Price {
  if (!Number.isFinite(minutes) || minutes < 0) {
    throw new RangeError("minutes must be a number, and not below zero");
  }
  if (minutes <= FREE_MINUTES) return { minutes, cents: 0 };

  const days = Math.floor(minutes / MINUTES_A_DAY);
  const rest = minutes % MINUTES_A_DAY;
  const today = Math.min(Math.ceil(rest / 30) * CENTS_A_HALF_HOUR, CENTS_A_DAY);
  return { minutes, cents: days * CENTS_A_DAY + today };
}
