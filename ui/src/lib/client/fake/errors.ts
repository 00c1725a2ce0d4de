// Errors as the keeper answers them.
import type { ApiError, ErrorCode, ErrorKind } from "$lib/bindings";

/** An error to throw. */
export function fault(kind: ErrorKind, message: string, hint?: string): ApiError {
  return hint === undefined ? { kind, message } : { kind, message, hint };
}

/** An error that is told from others of its kind. */
export const coded = (error: ApiError, code: ErrorCode): ApiError => ({ ...error, code });

/** What the person asked for is not there, or not possible. */
export const usage = (message: string, hint?: string) => fault("usage", message, hint);
