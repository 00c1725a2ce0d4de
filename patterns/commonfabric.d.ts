/**
 * Types of the charm API, for editors and for `tsc`.
 *
 * A charm imports from "commonfabric" (or "commontools", its older name; both are the same here). The module exists
 * only inside Charmkeeper, so a TypeScript project that holds charms needs this file and:
 *
 *     { "compilerOptions": { "target": "ESNext", "module": "ESNext", "moduleResolution": "bundler", "strict": true,
 *       "noEmit": true, "jsx": "react-jsx", "jsxImportSource": "commonfabric", "lib": ["ESNext", "DOM"],
 *       "allowImportingTsExtensions": true }, "include": ["commonfabric.d.ts", "*.ts", "*.tsx"] }
 *
 * Of the DOM's names a charm has at run time: fetch, Headers, Request, Response, URL, URLSearchParams, TextEncoder,
 * TextDecoder, atob, btoa, Event, EventTarget, AbortController, AbortSignal, DOMException, structuredClone, setTimeout,
 * setInterval (and what clears them), queueMicrotask, console, performance.now, crypto.randomUUID and
 * crypto.getRandomValues. There is no document, no storage, no import from npm.
 */
declare module "commonfabric" {
  // --- Outputs with a meaning -------------------------------------------------------------------------------------

  /** Key of the charm's name among its outputs: `[NAME]: "Gmail importer"`. */
  export const NAME: "$NAME";
  /** Key of the charm's user interface among its outputs. A background run never renders or stores it. */
  export const UI: "$UI";
  /** Key of a small user interface for galleries. Never stored, like {@link UI}. */
  export const TILE_UI: "$TILE_UI";
  /** Key of an inline user interface. Never stored, like {@link UI}. */
  export const CHIP_UI: "$CHIP_UI";
  /** Key of a value's type name. */
  export const TYPE: "$TYPE";
  /** Key of a file system view of the outputs; not used by background runs. */
  export const FS: "$FS";
  /** Key of a charm's own tests; not used by background runs. */
  export const TESTS: "$TESTS";
  /** Key of an element's own identity in older charms. */
  export const ID: "$ID";
  /** Key that names the property which is an element's identity, in older charms. */
  export const ID_FIELD: "$ID_FIELD";
  /** Key of the charm itself among a pattern's inputs. */
  export const SELF: unique symbol;

  // --- Types that the compiler reads ------------------------------------------------------------------------------

  /**
   * A default for an input or a part of one. The value lives in the type; it is stored when the charm is added.
   *
   * @example
   * interface Input { settings: { limit: number | Default<100>; query: Default<string, "in:INBOX"> } }
   */
  export type Default<T, V extends T = T> = T;

  /** What a derived value is in a pattern's body: it is used like the value itself. */
  export type Reactive<T> = T;

  /** JSON, as cells hold it. */
  export type JSONValue =
    null | boolean | number | string | readonly JSONValue[] | { readonly [key: string]: JSONValue };
  /** A JSON object. */
  export type JSONObject = { readonly [key: string]: JSONValue };
  /** A JSON schema; `asCell` and `asStream` mark properties that handlers get as cells and streams. */
  export type JSONSchema = boolean | { readonly [key: string]: unknown };

  // --- Cells ------------------------------------------------------------------------------------------------------

  /**
   * A place for a value that lasts from run to run: a whole document, or a part of one.
   *
   * A handler gets cells for the properties of its state that are typed `Writable<..>`. Reading gives a read-only
   * snapshot; writing is collected and stored when the run ends well, all or nothing. Objects that are put into a list
   * become documents of their own (named by their `id`, if that is text), so that a change of one element is a small
   * change.
   */
  export interface Cell<T = unknown> {
    /** The value now, with this run's writes. Lists load their elements when they are touched; `length` is free. */
    get(): T;
    /** Like {@link get}. */
    sample(): T;
    /**
     * Replaces the value. Cells and elements read from a list are stored as links, other values as JSON; a function, a
     * Map, a BigInt or an object that contains itself is an error that names the place.
     */
    set(value: Bindable<T>): Cell<T>;
    /** Sets some properties and leaves the rest: `auth.update({ token })`. */
    update(values: Partial<T> | { [K in keyof T]?: Bindable<T[K]> }): Cell<T>;
    /** Adds elements at the end of a list. */
    push(...values: T extends readonly (infer U)[] ? Bindable<U>[] : never[]): void;
    /** Adds those elements that the list does not hold yet. */
    addUnique(...values: T extends readonly (infer U)[] ? Bindable<U>[] : never[]): void;
    /** Removes the first element that is this one (a cell or a read element), or equals this plain value. */
    remove(value: T extends readonly (infer U)[] ? Bindable<U> : never): void;
    /** Removes all of them. */
    removeAll(value: T extends readonly (infer U)[] ? Bindable<U> : never): void;
    /** Removes all of them. */
    removeByValue(value: T extends readonly (infer U)[] ? Bindable<U> : never): void;
    /** Adds to a number; 1 when nothing is said. */
    increment(by?: number): void;
    /** The cell of a property or an element, also several steps down: `settings.key("limit")`. */
    key(): Cell<T>;
    key<K extends keyof T>(key: K): Cell<T[K]>;
    key<K extends keyof T, L extends keyof T[K]>(key: K, next: L): Cell<T[K][L]>;
    key(...keys: (string | number)[]): Cell<any>;
    /** The element of a list whose `id` is this, without reading the list. */
    elementById(id: string): Cell<T extends readonly (infer U)[] ? U : unknown>;
    /** True when both stand for the same place. */
    equals(other: unknown): boolean;
    /** Like {@link equals}, without following links. */
    equalLinks(other: unknown): boolean;
    /** Gives a new cell its name, which keeps its document the same when the pattern's code changes. */
    for(name: unknown): Cell<T>;
    /** Fulfils with the cell; values are up to date anyway. */
    sync(): Promise<Cell<T>>;
    /** Sets the value; on a stream, sends an event. */
    send(value: T, onCommit?: OnCommit): void;
    /** Calls back once with the value; gives a function that does nothing. */
    sink(callback: (value: T) => void): () => void;
    /** In a pattern's body a derived list; elsewhere the plain result. */
    map<S>(fn: (element: Element<T>, index: number, list: T) => S): S[];
    /** See {@link map}. */
    filter(fn: (element: Element<T>, index: number, list: T) => unknown): Element<T>[];
    /** See {@link map}. */
    flatMap<S>(fn: (element: Element<T>, index: number, list: T) => S | S[]): S[];
    /** See {@link map}. */
    reduce<S>(fn: (accumulator: S, element: Element<T>, index: number, list: T) => S, initial: S): S;
    /** See {@link map}. */
    findIndex(fn: (element: Element<T>, index: number, list: T) => boolean): number;
    /** {@link map} with a pattern for each element. */
    mapWithPattern<S>(pattern: PatternFactory<any, S>, params: Record<string, unknown>): S[];
    /** {@link filter} with a pattern for each element. */
    filterWithPattern(pattern: PatternFactory<any, unknown>, params: Record<string, unknown>): Element<T>[];
    /** {@link flatMap} with a pattern for each element. */
    flatMapWithPattern<S>(pattern: PatternFactory<any, S[]>, params: Record<string, unknown>): S[];
    /** The cell at the end of all links. */
    resolveAsCell(): Cell<T>;
    /** The same cell. */
    asSchema<S = T>(schema?: JSONSchema): Cell<S>;
    /** The same cell; a run is one transaction. */
    withTx(tx?: unknown): Cell<T>;
  }

  /** Makes cells. `new Writable(0)` in a pattern's body is a cell of the charm, with its first value. */
  export interface CellConstructor {
    new <T>(initial?: T): Cell<T>;
    /** Like `new`. */
    of<T>(initial?: T): Cell<T>;
    /** A cell with a name: `Cell.for("cursor")`. */
    for<T = any>(name: unknown): Cell<T>;
    /** See {@link Cell.equals}. */
    equals(a: unknown, b: unknown): boolean;
    /** See {@link Cell.equalLinks}. */
    equalLinks(a: unknown, b: unknown): boolean;
    /** Cells of the space; here all cells are. */
    readonly perSpace: CellConstructor;
    /** Cells of the person; here they are the space's. */
    readonly perUser: CellConstructor;
    /** Cells of the session; here they are the space's. */
    readonly perSession: CellConstructor;
  }

  export const Cell: CellConstructor;
  /** A {@link Cell} by the name that says what it is for: in a handler's state it asks for write access. */
  export type Writable<T = unknown> = Cell<T>;
  export const Writable: CellConstructor;
  /** A {@link Cell}, by a name for cells that are only passed on. */
  export type OpaqueCell<T = unknown> = Cell<T>;
  export const OpaqueCell: CellConstructor;
  /** A {@link Cell}, by a name for cells that are only read. */
  export type ReadonlyCell<T = unknown> = Cell<T>;
  export const ReadonlyCell: CellConstructor;
  /** A {@link Cell}, by a name for cells that are only written. */
  export type WriteonlyCell<T = unknown> = Cell<T>;
  export const WriteonlyCell: CellConstructor;
  /** A {@link Cell}, by a name for cells that are only compared. */
  export type ComparableCell<T = unknown> = Cell<T>;
  export const ComparableCell: CellConstructor;
  /** `cell(0)` is `new Cell(0)`. */
  export function cell<T>(initial?: T): Cell<T>;

  /** The element of a list, or the value itself. */
  export type Element<T> = T extends readonly (infer U)[] ? U : T;

  /** What may stand where a `T` is wanted: the value, a cell of it, a derived value, or an object of those. */
  export type Bindable<T> = T | Cell<T> | BindablePart<T>;
  type BindablePart<T> =
    T extends Cell<infer U>
      ? Cell<any> | U
      : T extends Stream<any> | string | number | boolean | null | undefined
        ? never
        : T extends object
          ? { [K in keyof T]: Bindable<T[K]> }
          : never;

  /** Told when the handler of a sent event has settled. */
  export type OnCommit = (tx: { status(): { status: "done" } | { status: "error"; error: unknown } }) => void;

  /**
   * Where events go. An output of this type is something that others can trigger; the one called `bgUpdater` is run in
   * the background.
   *
   * @example
   * interface Output { emails: Email[]; bgUpdater: Stream<unknown> }
   */
  export interface Stream<E = unknown, R = void> {
    /** Queues an event for the handler, which runs in this same run. Its errors make the run fail. */
    send(
      ...args: unknown extends E
        ? [event?: E, onCommit?: OnCommit]
        : E extends void
          ? [event?: E, onCommit?: OnCommit]
          : [event: E, onCommit?: OnCommit]
    ): void;
    /** The same stream. */
    for(name: unknown): Stream<E, R>;
  }
  export const Stream: { prototype: Stream };

  // --- Patterns and handlers --------------------------------------------------------------------------------------

  /** What a pattern's body gets: a handle for every input, also for those that were left out. */
  export type Inputs<T> = { [K in keyof T]-?: NonNullable<T[K]> } & { readonly [SELF]: any };

  /** What a pattern's body returns: its outputs, each as a value, a cell, a derived value or a stream. */
  export type Outputs<R> = { [K in keyof R]: Bindable<R[K]> } & { [NAME]?: unknown; [UI]?: unknown };

  /** A pattern: call it inside another one to have its parts, with the same cells from run to run. */
  export type PatternFactory<T = any, R = any> = (inputs: { [K in keyof T]?: Bindable<T[K]> }) => R;

  /**
   * A charm: its inputs, and what it makes of them. The default export of a charm's main file is one. The body runs
   * once per run and only connects things; what is to happen goes into handlers.
   *
   * @example
   * export default pattern<Input, Output>(({ settings }) => {
   *   const emails = new Writable<Email[]>([]).for("emails");
   *   return { [NAME]: "Importer", emails, bgUpdater: update({ emails, settings }) };
   * });
   */
  export function pattern<T, R>(
    body: (inputs: Inputs<T>) => Outputs<R>,
    argumentSchema?: JSONSchema,
    resultSchema?: JSONSchema,
  ): PatternFactory<T, R>;
  export function pattern<T>(
    body: (inputs: Inputs<T>) => unknown,
    argumentSchema?: JSONSchema,
    resultSchema?: JSONSchema,
  ): PatternFactory<T, any>;
  /** The older name of {@link pattern}, with a name or a schema in front. */
  export function recipe<T, R = any>(...args: [...unknown[], (inputs: Inputs<T>) => unknown]): PatternFactory<T, R>;

  /** Handler state: cells and streams as they are, the rest read-only. */
  export type HandlerState<S> = S extends Cell<any> | Stream<any>
    ? S
    : S extends readonly (infer U)[]
      ? readonly HandlerState<U>[]
      : S extends object
        ? { readonly [K in keyof S]: HandlerState<S[K]> }
        : S;

  /** A handler that waits for its state: `update({ emails, settings })` gives the stream. */
  export type HandlerFactory<E, S> = (state: { [K in keyof S]: Bindable<S[K]> }) => Stream<E>;

  /**
   * What happens when an event comes. `S` says what of the state is a cell (`Writable<..>`), a `Stream<..>`, or a value.
   * The run is complete when the returned promise and every request that was started have settled; an error drops all
   * that the run wrote. An event is held against `E`: members that must be there, and whether they are text, numbers,
   * booleans, lists or objects. A value of the state is not assigned to: that is an error which says what to write.
   *
   * @example
   * const update = handler<unknown, { emails: Writable<Email[]>; settings: Settings }>(async (_event, { emails, settings }) => {
   *   const res = await fetch(`https://gmail.googleapis.com/gmail/v1/users/me/messages?maxResults=${settings.limit}`);
   *   if (!res.ok) throw new Error(`Gmail answered ${res.status}`);
   *   emails.push(...(await res.json()).messages);
   * });
   */
  export function handler<E, S>(
    fn: (event: E, state: HandlerState<S>) => unknown,
    options?: { proxy?: boolean },
  ): HandlerFactory<E, S>;
  export function handler<E, S>(
    eventSchema: JSONSchema,
    stateSchema: JSONSchema,
    fn: (event: E, state: HandlerState<S>) => unknown,
  ): HandlerFactory<E, S>;

  /** A stream whose handler closes over the cells that it needs: `action(() => count.set(0))`. */
  export function action<E = void>(fn: (event: E) => unknown): Stream<E>;

  // --- Derived values ---------------------------------------------------------------------------------------------

  /** The value of a cell, or of an object of cells. */
  export type Value<T> =
    T extends Cell<infer U>
      ? U
      : T extends Stream<any>
        ? T
        : T extends readonly (infer U)[]
          ? Value<U>[]
          : T extends object
            ? { [K in keyof T]: Value<T[K]> }
            : T;

  /**
   * A value computed from the cells that the function uses. Computed when somebody reads it, and again when a cell
   * changed; never stored. Not to be written: write to the cell that it comes from.
   *
   * One that writes cells or sends events, or gives nothing, runs without a reader: when the handlers of the run have
   * settled, and again when what it read has changed. Let it look before it writes: one that never comes to rest fails
   * the run. One that throws is noted in the log.
   *
   * @example
   * computed(() => {
   *   if (auth.token !== "" && since.get() === 0) since.set(now.result);
   * });
   */
  export function computed<T>(fn: () => T): Reactive<T>;
  /**
   * A value computed from `input`: `derive(emails, (list) => list.length)`. A part that is returned keeps its link.
   *
   * @deprecated Browsers know it no more, so a charm that uses it cannot be opened there: `computed(() => list.length)`.
   */
  export function derive<T, R>(input: T, fn: (value: Value<T>) => R): Reactive<R>;
  export function derive<T, R>(
    argumentSchema: JSONSchema,
    resultSchema: JSONSchema,
    input: T,
    fn: (value: any) => R,
  ): Reactive<R>;
  /** Makes a function of values into a function of cells: `lift(({ a, b }) => a + b)({ a, b })`. */
  export function lift<T, R>(fn: (input: T) => R): (input: Bindable<T>) => Reactive<R>;
  export function lift<T, R>(
    argumentSchema: JSONSchema,
    resultSchema: JSONSchema,
    fn: (input: T) => R,
  ): (input: Bindable<T>) => Reactive<R>;
  /** One of two values, by the first. The choice keeps its link, so that it can be written if what was chosen can. */
  export function ifElse<A, B>(condition: unknown, whenTrue: A, whenFalse: B): A | B;
  /** `condition && value`. */
  export function when<C, A>(condition: C, value: A): C | A;
  /** `condition || fallback`. */
  export function unless<C, A>(condition: C, fallback: A): C | A;
  /** Text with cells in it: str`Importer ${email}`. */
  export function str(strings: TemplateStringsArray, ...values: unknown[]): Reactive<string>;

  // --- Other charms -----------------------------------------------------------------------------------------------

  /** What is wished for: `{ query: "#googleAuth" }`. */
  export interface WishParams {
    /**
     * A tag with `#`, also with a path behind it (`#googleAuth/auth`), `#now`, or a place. `#favorites` and
     * `#mentionable` are the person's other charms; `#pieceRegistry` and `#recent` are lists of this charm's own in a
     * space of this computer. `/a/b`, `#default`, `#profile`, `#profileName`, `#journal`, `#learned` and their like are
     * found in remote spaces only.
     */
    query: string;
    /** A path below what was found. */
    path?: readonly (string | number)[];
    /** Where to look: `~` favorites (the default), `.` this space. */
    scope?: readonly string[];
    /** Accepted; there is never a picker in the background. */
    headless?: boolean;
    /** Accepted and not used. */
    context?: Record<string, unknown>;
    /** Accepted and not used. */
    schema?: JSONSchema;
  }
  /** The answer to a wish. */
  export interface WishState<T> {
    /**
     * The charm that was found, or the part of it that was asked for. In a pattern's body it can always be named
     * (`wished.result!.auth`); in a handler or a derived value it is undefined when there is none.
     */
    result: T | undefined;
    /** All that matched, the chosen one first. */
    candidates: T[];
    /** Why there is no result. */
    error?: any;
    [UI]?: VNode;
  }
  /**
   * Finds another charm by a tag of its output type. Its cells can be read, and handed to handlers.
   *
   * Give the answer a name before a part of it is read: browsers refuse `wish(...).result`.
   *
   * @example
   * const wished = wish<{ auth: Writable<Auth> }>({ query: "#googleAuth" });
   * const auth = wished.result!.auth;
   */
  export function wish<T = any>(params: Bindable<WishParams>): WishState<T>;
  /** The older form: gives the result itself. */
  export function wish<T = any>(query: string): T;

  /** Opens another charm; noted in the log and not followed in the background. */
  export function navigateTo(target: unknown): Reactive<boolean>;

  // --- For language models and reactive requests: they stay pending in the background ----------------------------------

  /**
   * `{ pending: true }` in the background, with a note in the run's log; `pending` is false while there is no prompt,
   * or no address, to begin with.
   */
  export interface Pending<T> {
    pending: boolean;
    result: T | undefined;
    error: any;
    partial?: any;
  }
  /** A tool for a language model: a description only. */
  export function patternTool(
    pattern: unknown,
    extraParams?: Record<string, unknown>,
  ): { pattern: unknown; extraParams: Record<string, unknown> };
  /** What {@link patternTool} gives. */
  export type PatternToolResult<E = Record<string, unknown>> = { pattern: unknown; extraParams: E };
  /** See {@link Pending}. */
  export function generateObject<T = any>(params: unknown): Pending<T>;
  /** See {@link Pending}. */
  export function generateText(params: unknown): Pending<string>;
  /** See {@link Pending}. */
  export function llm(params: unknown): Pending<any>;
  /** See {@link Pending}. */
  export function llmDialog(params: unknown): Pending<any> & { addMessage?: Stream<any> };
  /** See {@link Pending}; in a handler use `fetch`. */
  export function fetchJson<T = any>(params: unknown): Pending<T>;
  /** See {@link fetchJson}. */
  export function fetchJsonUnchecked(params: unknown): Pending<any>;
  /** See {@link fetchJson}. */
  export function fetchText(params: unknown): Pending<string>;
  /** See {@link fetchJson}. */
  export function fetchBinary(params: unknown): Pending<any>;
  /** See {@link fetchJson}. */
  export function fetchData<T = any>(params: unknown): Pending<T>;
  /** See {@link Pending}. */
  export function fetchProgram(params: unknown): Pending<any>;
  /** See {@link Pending}. */
  export function streamData<T = any>(params: unknown): Pending<T>;
  /** See {@link Pending}. */
  export function compileAndRun<T = any>(params: unknown): Pending<T>;
  /** See {@link Pending}. */
  export function cellFromUrl(params: unknown): Pending<any>;
  /** See {@link Pending}. */
  export function sqliteQuery<T = any>(params: unknown): Pending<T[]>;

  // --- Small helpers ------------------------------------------------------------------------------------------------

  /** Where the charm's server is; `new URL("/api/..", getPatternEnvironment().apiUrl)`. */
  export function getPatternEnvironment(): { readonly apiUrl: URL };
  /** The older name of {@link getPatternEnvironment}. */
  export function getRecipeEnvironment(): { readonly apiUrl: URL };
  /** True when both stand for the same place, or are the same value. */
  export function equals(a: unknown, b: unknown): boolean;
  /** True when both are the same JSON. */
  export function valueEqual(a: unknown, b: unknown): boolean;
  /** The id of the document that a cell is in. */
  export function getEntityId(value: unknown): { "/": string } | undefined;
  /** The text of such an id. */
  export function entityRefToString(ref: { "/": string }): string;
  /** A schema as it is, for its type. */
  export function schema<const T>(schema: T): T;
  /** A schema from a type, where a compiler makes one; here an open one. */
  export function toSchema<T>(options?: JSONSchema): JSONSchema;
  /** What the compiler of the reference system wraps around constants: the constant. */
  export function __cf_data<T>(value: T): T;
  /** A value as indented JSON, for looking at it. */
  export function toIndentedDebugString(value: unknown): string;
  /** A value on one line, for looking at it. */
  export function toCompactDebugString(value: unknown, maxLength?: number): string;

  // --- User interface: inert in the background ------------------------------------------------------------------------

  /** An element that nobody renders here. */
  export interface VNode {
    type: "vnode";
    name: unknown;
    props: Record<string, unknown>;
    children?: unknown;
    [UI]?: VNode;
  }
  /** What may stand between tags. */
  export type RenderNode = any;
  /** What a JSX expression gives. */
  export type JSXElement = VNode;
  /** Something with a user interface. */
  export type UIRenderable = { [UI]: VNode };
  /** Properties of an element. */
  export type Props = Record<string, any>;
  /** Makes an element; JSX does it. */
  export function h(name: unknown, props?: Record<string, unknown> | null, ...children: unknown[]): VNode;
  /** A charm shown at a size. */
  export function uiVariant(piece: unknown, kind: "full" | "chip" | "tile"): VNode;
  /** An element that stands for a trusted action. */
  export function UiAction(props: Props): VNode;
  /** An element that stands for a prompt. */
  export function UiPromptSlot(props: Props): VNode;
  /** An element that stands for a disclosure. */
  export function UiDisclosure(props: Props): VNode;
}

/** The older name of "commonfabric". */
declare module "commontools" {
  export * from "commonfabric";
}

/** The same names; here for charms that import the schema forms of `handler`, `lift` and `pattern`. */
declare module "commonfabric/schema" {
  export * from "commonfabric";
}

/** The older name of "commonfabric/schema". */
declare module "commontools/schema" {
  export * from "commonfabric";
}

/** What JSX compiles to. Any tag with any property is accepted: a background run renders nothing. */
declare module "commonfabric/jsx-runtime" {
  export namespace JSX {
    type Element = import("commonfabric").VNode;
    type ElementType = string | ((props: any) => any);
    interface ElementChildrenAttribute {
      children: unknown;
    }
    interface IntrinsicElements {
      [tag: string]: any;
    }
    interface IntrinsicAttributes {
      key?: unknown;
    }
  }
  export const Fragment: string;
  export function jsx(name: unknown, props: unknown, key?: unknown): JSX.Element;
  export function jsxs(name: unknown, props: unknown, key?: unknown): JSX.Element;
  export function jsxDEV(name: unknown, props: unknown, key?: unknown): JSX.Element;
}

/** {@link "commonfabric/jsx-runtime"} as development builds ask for it. */
declare module "commonfabric/jsx-dev-runtime" {
  export * from "commonfabric/jsx-runtime";
}

/** The older name of "commonfabric/jsx-runtime". */
declare module "commontools/jsx-runtime" {
  export * from "commonfabric/jsx-runtime";
}

/** The older name of "commonfabric/jsx-dev-runtime". */
declare module "commontools/jsx-dev-runtime" {
  export * from "commonfabric/jsx-runtime";
}

/** HTML to Markdown; made for charms that were written with the package of this name. */
declare module "turndown" {
  export interface Rule {
    filter: string | string[] | ((node: any, options: any) => unknown);
    replacement?: (content: string, node: any, options: any) => string;
  }
  export default class TurndownService {
    constructor(options?: Record<string, unknown>);
    turndown(html: string): string;
    addRule(key: string, rule: Rule): this;
    keep(filter: Rule["filter"]): this;
    remove(filter: Rule["filter"]): this;
    use(plugin: ((service: TurndownService) => void) | ((service: TurndownService) => void)[]): this;
    escape(text: string): string;
  }
}
