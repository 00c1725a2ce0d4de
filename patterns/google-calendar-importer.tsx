// Keeps the events of all calendars of an account in cells.
//
// Each calendar has a sync token: after the first list only changes are read.
// The token is kept with the events, in one commit. When Google no longer takes
// it (410), the calendar is listed anew and what is not in the list is removed.
// Events are kept within a window around today; once a day each calendar is
// listed anew, because time brings events into the window without a change.

import {
  computed,
  Default,
  handler,
  NAME,
  pattern,
  str,
  Stream,
  UI,
  VNode,
  wish,
  Writable,
} from "commonfabric";
import type { Auth } from "./google-auth.tsx";
import { address, getJson, isGoogleError } from "./util/google.ts";

/** An event as other charms read it. */
export type CalendarEvent = {
  id: string;
  summary: string;
  description: string;
  location: string;
  /** First day, as in `2026-11-21`. */
  start: string;
  /** Last day; for all-day events the day after it, as Google has it. */
  end: string;
  /** Beginning with time and offset; a day for all-day events. */
  startDateTime: string;
  endDateTime: string;
  isAllDay: boolean;
  /** `confirmed` or `tentative`. */
  status: string;
  htmlLink: string;
  calendarId: string;
  calendarName: string;
  attendees: { email: string; displayName: string; responseStatus: string }[];
  organizer: { email: string; displayName: string };
};

/** A calendar as other charms read it. */
export type Calendar = {
  id: string;
  summary: string;
  description: string;
  primary: boolean;
  backgroundColor: string;
  foregroundColor: string;
};

type Settings = {
  /** Days before today that are kept. */
  daysBack: number | Default<90>;
  /** Days after today that are kept. */
  daysForward: number | Default<365>;
  /** Events in one page, at most 2,500. */
  maxResults: number | Default<500>;
};

/** Where one calendar's sync stands. */
type Place = {
  /** Google's token for "what changed since". */
  syncToken: string;
  /** The day of the last full list, as in `2026-11-21`. */
  listed: string;
};

interface Input {
  events: CalendarEvent[] | Default<[]>;
  calendars: Calendar[] | Default<[]>;
  settings: Settings;
}

/** Events of a Google account's calendars. #calendarEvents */
export interface Output {
  [NAME]: string;
  [UI]: VNode;
  /** Every event in the window, of all calendars. */
  events: CalendarEvent[];
  /** Every calendar. */
  calendars: Calendar[];
  /** How many events there are. */
  eventCount: number;
  /** Fetches what is new. */
  bgUpdater: Stream<void>;
}

const API = "https://www.googleapis.com/calendar/v3";
const DAY = 24 * 60 * 60 * 1000;

type State = {
  events: Writable<CalendarEvent[]>;
  calendars: Writable<Calendar[]>;
  auth: Writable<Auth>;
  settings: Writable<Settings>;
  places: Writable<Record<string, Place>>;
};

type GoogleCalendar = Partial<Calendar> & { id: string; summaryOverride?: string; deleted?: boolean };
type GoogleTime = { date?: string; dateTime?: string };
type GooglePerson = { email?: string; displayName?: string; responseStatus?: string };
type GoogleEvent = {
  id: string;
  status?: string;
  summary?: string;
  description?: string;
  location?: string;
  htmlLink?: string;
  start?: GoogleTime;
  end?: GoogleTime;
  attendees?: GooglePerson[];
  organizer?: GooglePerson;
};
type Page<T> = { items?: T[]; nextPageToken?: string; nextSyncToken?: string };

/** Reads a list to its end. Pages may be short or empty with more to come. */
async function readAll<T>(
  url: (pageToken: string | undefined) => string,
  token: string,
): Promise<{ items: T[]; syncToken: string }> {
  const items: T[] = [];
  let page: Page<T> = {};
  do {
    page = await getJson<Page<T>>("Calendar", url(page.nextPageToken), token);
    items.push(...page.items ?? []);
  } while (page.nextPageToken !== undefined);
  return { items, syncToken: page.nextSyncToken ?? "" };
}

function toCalendar(item: GoogleCalendar): Calendar {
  return {
    id: item.id,
    summary: item.summaryOverride ?? item.summary ?? "",
    description: item.description ?? "",
    primary: item.primary ?? false,
    backgroundColor: item.backgroundColor ?? "#4285f4",
    foregroundColor: item.foregroundColor ?? "#ffffff",
  };
}

function toEvent(item: GoogleEvent, calendar: Calendar): CalendarEvent {
  const day = (time: GoogleTime | undefined) => time?.date ?? time?.dateTime?.slice(0, 10) ?? "";
  return {
    id: item.id,
    summary: item.summary ?? "(No title)",
    description: item.description ?? "",
    location: item.location ?? "",
    start: day(item.start),
    end: day(item.end),
    startDateTime: item.start?.dateTime ?? item.start?.date ?? "",
    endDateTime: item.end?.dateTime ?? item.end?.date ?? "",
    isAllDay: item.start?.dateTime === undefined,
    status: item.status ?? "confirmed",
    htmlLink: item.htmlLink ?? "",
    calendarId: calendar.id,
    calendarName: calendar.summary,
    attendees: (item.attendees ?? []).map((person) => ({
      email: person.email ?? "",
      displayName: person.displayName ?? person.email ?? "",
      responseStatus: person.responseStatus ?? "needsAction",
    })),
    organizer: {
      email: item.organizer?.email ?? "",
      displayName: item.organizer?.displayName ?? item.organizer?.email ?? "",
    },
  };
}

/** The window, from the beginning of a day to the end of one, in UTC. */
function windowOf(settings: Settings, now: number): { from: number; to: number } {
  const today = now - (now % DAY);
  return { from: today - settings.daysBack * DAY, to: today + (settings.daysForward + 1) * DAY };
}

function isInside(event: CalendarEvent, range: { from: number; to: number }): boolean {
  const start = Date.parse(event.startDateTime);
  const end = Date.parse(event.endDateTime);
  return end > range.from && start < range.to;
}

/** What a calendar's events have become: `whole` replaces all of them. */
type Changes = { whole: boolean; items: GoogleEvent[]; place: Place };

async function readEvents(
  calendar: Calendar,
  place: Place | undefined,
  settings: Settings,
  token: string,
): Promise<Changes> {
  const now = Date.now();
  const today = new Date(now).toISOString().slice(0, 10);
  const url = `${API}/calendars/${encodeURIComponent(calendar.id)}/events`;
  const common = { singleEvents: "true", maxResults: settings.maxResults };
  if (place?.syncToken && place.listed === today) {
    try {
      const { syncToken } = place;
      const { items, syncToken: next } = await readAll<GoogleEvent>(
        (pageToken) => address(url, { ...common, syncToken, pageToken }),
        token,
      );
      return { whole: false, items, place: { syncToken: next || syncToken, listed: today } };
    } catch (error) {
      if (!(isGoogleError(error) && error.status === 410)) throw error;
      console.warn(`Google no longer knows our place in ${calendar.summary}: reading it again.`);
    }
  }
  const { from, to } = windowOf(settings, now);
  const range = { timeMin: new Date(from).toISOString(), timeMax: new Date(to).toISOString() };
  const { items, syncToken } = await readAll<GoogleEvent>(
    (pageToken) => address(url, { ...common, ...range, pageToken }),
    token,
  );
  return { whole: true, items, place: { syncToken, listed: today } };
}

/** Events of different calendars may share an id: an invitation, say. */
function keyOf(event: { calendarId: string; id: string }): string {
  return `${event.calendarId}\n${event.id}`;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Lays one calendar's changes over all events; returns undefined for no change. */
function merge(
  all: readonly CalendarEvent[],
  calendar: Calendar,
  changes: Changes,
  range: { from: number; to: number },
): CalendarEvent[] | undefined {
  const known = new Map(all.map((event) => [keyOf(event), event]));
  const gone = new Set<string>();
  if (changes.whole) {
    for (const event of all) if (event.calendarId === calendar.id) gone.add(keyOf(event));
  }
  let changed = false;
  for (const [key, event] of known) {
    if (event.calendarId !== calendar.id || event.calendarName === calendar.summary) continue;
    // A calendar that is renamed has no changed event.
    known.set(key, { ...event, calendarName: calendar.summary });
    changed = true;
  }
  for (const item of changes.items) {
    const event = toEvent(item, calendar);
    const key = keyOf(event);
    if (item.status === "cancelled" || !isInside(event, range)) {
      gone.add(key);
      continue;
    }
    gone.delete(key);
    const before = known.get(key);
    if (before === undefined || !same(before, event)) {
      known.set(key, event);
      changed = true;
    }
  }
  for (const key of gone) changed = known.delete(key) || changed;
  return changed ? [...known.values()] : undefined;
}

const update = handler<void, State>(async (_event, state) => {
  const token = state.auth.get()?.token;
  if (!token) throw new Error("No Google account is signed in.");
  const settings = state.settings.get();
  const list = await readAll<GoogleCalendar>(
    (pageToken) => address(`${API}/users/me/calendarList`, { maxResults: 250, pageToken }),
    token,
  );
  const calendars = list.items.filter((item) => !item.deleted).map(toCalendar);
  if (!same(state.calendars.get(), calendars)) state.calendars.set(calendars);

  const range = windowOf(settings, Date.now());
  const before = state.places.get();
  const places: Record<string, Place> = {};
  const present = new Set(calendars.map((calendar) => calendar.id));
  const stored = state.events.get();
  let events = stored.filter((event) => present.has(event.calendarId));
  let changed = events.length < stored.length;
  for (const calendar of calendars) {
    const place = before[calendar.id];
    try {
      const changes = await readEvents(calendar, place, settings, token);
      const merged = merge(events, calendar, changes, range);
      if (merged !== undefined) {
        events = merged;
        changed = true;
      }
      places[calendar.id] = changes.place;
    } catch (error) {
      // One calendar's trouble leaves the others alone; the keeper marks the run.
      if (!isGoogleError(error) || error.status === 401) throw error;
      console.warn(`${calendar.summary} could not be read: ${error.message}`);
      if (place !== undefined) places[calendar.id] = place;
    }
  }
  if (changed) state.events.set(events);
  if (!same(before, places)) state.places.set(places);
});

export default pattern<Input, Output>(({ events, calendars, settings }) => {
  const places = new Writable<Record<string, Place>>({}).for("places");
  const google = wish<{ auth: Writable<Auth> }>({ query: "#googleAuth" });
  const auth = google.result!.auth;
  const eventCount = computed(() => events.length);
  return {
    [NAME]: "Google Calendar importer",
    [UI]: (
      <cf-screen>
        <cf-heading slot="header">Google Calendar</cf-heading>
        <div>{str`${eventCount} events`}</div>
      </cf-screen>
    ),
    events,
    calendars,
    eventCount,
    bgUpdater: update({ events, calendars, auth, settings, places }),
  };
});
