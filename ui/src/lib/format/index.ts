// Words for times, lengths, counts and sizes.
export { age, clockTime, day, dayKey, duration, fullTime, hour, interval, millis, preciseTime, until, wholeMinutes } from "./time";
export { bytes, count } from "./number";
