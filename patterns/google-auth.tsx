// Holds the sign-in of one Google account in the shape that charms expect.
//
// `token` and `refreshToken` are placeholders: the keeper puts the real token in
// their place on the way to Google, so that no charm ever holds one. The
// background update keeps `expiresAt` true for charms that look at it.

import {
  Default,
  getPatternEnvironment,
  handler,
  NAME,
  pattern,
  Stream,
  UI,
  VNode,
  Writable,
} from "commonfabric";

/** The record that charms of the ecosystem read. */
export type Auth = {
  /** A placeholder for the access token; empty when nobody is signed in. */
  token: string | Default<"">;
  tokenType: string | Default<"">;
  /** Granted scopes as full URLs. */
  scope: string[] | Default<[]>;
  /** Lifetime of the token in seconds. */
  expiresIn: number | Default<0>;
  /** End of the token in milliseconds since 1970. */
  expiresAt: number | Default<0>;
  /** A placeholder for the refresh token. */
  refreshToken: string | Default<"">;
  user: { email: string; name: string; picture: string } | Default<{
    email: "";
    name: "";
    picture: "";
  }>;
};

interface Input {
  auth: Auth;
}

/** The sign-in of a Google account, for other charms. #googleAuth */
export interface Output {
  [NAME]: string;
  [UI]: VNode;
  /** The sign-in itself. */
  auth: Auth;
  /** Granted scopes as full URLs. */
  scopes: string[];
  /** Refreshes the sign-in now. */
  refreshToken: Stream<void>;
  /** Refreshes the sign-in when it is about to end. */
  bgUpdater: Stream<void>;
}

/** Tokens are renewed this long before they end, in milliseconds. */
const AHEAD = 10 * 60 * 1000;

async function refresh(auth: Writable<Auth>): Promise<void> {
  const { apiUrl } = getPatternEnvironment();
  const response = await fetch(new URL("/api/integrations/google-oauth/refresh", apiUrl), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ refreshToken: auth.get().refreshToken }),
  });
  const answer = await response.json();
  if (!response.ok) {
    // The record stays as it is: a failure here never signs anybody out.
    throw new Error(`The sign-in could not be refreshed: ${answer.error ?? response.status}`);
  }
  const { user } = auth.get();
  auth.update({ ...answer.tokenInfo, user: answer.tokenInfo.user ?? user });
}

const refreshNow = handler<void, { auth: Writable<Auth> }>(async (_event, { auth }) => {
  if (!auth.get().refreshToken) throw new Error("Nobody is signed in.");
  await refresh(auth);
});

const refreshWhenDue = handler<void, { auth: Writable<Auth> }>(async (_event, { auth }) => {
  const { refreshToken, expiresAt } = auth.get();
  if (!refreshToken) return;
  if (expiresAt - Date.now() > AHEAD) return;
  await refresh(auth);
});

export default pattern<Input, Output>(({ auth }) => ({
  [NAME]: "Google sign-in",
  [UI]: (
    <cf-vstack>
      <cf-heading>Google sign-in</cf-heading>
      <div>{auth.user.email}</div>
    </cf-vstack>
  ),
  auth,
  scopes: auth.scope,
  refreshToken: refreshNow({ auth }),
  bgUpdater: refreshWhenDue({ auth }),
}));
