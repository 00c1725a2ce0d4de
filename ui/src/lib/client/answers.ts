// Which answer belongs to which request: the one part of the API that the
// generated types do not say. Kept in the order of `Request`.
import type {
  AccountView,
  CharmView,
  CheckView,
  ConnectView,
  DisconnectView,
  ExportView,
  FacetsView,
  FavoriteView,
  JsonValue,
  LaneView,
  PreviewView,
  PublishView,
  Request,
  RunDetails,
  RunView,
  SettingsView,
  SpaceView,
  StatusView,
  WishView,
} from "$lib/bindings";

/** The answer to each request, by the request's word. */
export interface Answers {
  status: StatusView;
  charms: CharmView[];
  add: CharmView;
  remove: CharmView;
  pause: CharmView;
  resume: CharmView;
  "set-interval": CharmView;
  run: RunDetails;
  cancel: null;
  cells: JsonValue;
  preview: PreviewView;
  restore: CharmView;
  "set-account": CharmView;
  "set-hosts": CharmView;
  wishes: WishView[];
  "choose-wish": WishView[];
  history: RunView[];
  facets: FacetsView;
  lanes: LaneView[];
  "run-report": string;
  "export-history": ExportView;
  "export-all": ExportView;
  reset: null;
  settings: SettingsView;
  "change-settings": SettingsView;
  "use-client": SettingsView;
  "forget-client": SettingsView;
  "run-all": null;
  "cancel-connect": null;
  spaces: SpaceView[];
  "connect-space": SpaceView;
  "disconnect-space": SpaceView;
  "retry-change": SpaceView;
  "drop-change": SpaceView;
  favorites: FavoriteView[];
  "set-favorite": FavoriteView;
  "take-over": FavoriteView;
  publish: PublishView;
  register: FavoriteView;
  "run-details": RunDetails;
  accounts: AccountView[];
  connect: ConnectView;
  disconnect: DisconnectView;
  "pause-all": null;
  "resume-all": null;
  doctor: CheckView[];
  "dismiss-warning": null;
}

/** A request the window can make: all but `watch`, which is the event stream. */
export type Ask = Exclude<Request, { do: "watch" }>;

/** The word of a request. */
export type Kind = Ask["do"];

/** The request with this word. */
export type AskOf<K extends Kind> = Extract<Ask, { do: K }>;

/** The answer to a request with this word. */
export type AnswerOf<K extends Kind> = Answers[K];

// Fails to compile when a request has no answer here, or an answer no request.
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
const complete: Same<Kind, keyof Answers> = true;
void complete;
