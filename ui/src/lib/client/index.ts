// The one door to the keeper: interface, answers, errors.
export type { AnswerOf, Answers, Ask, AskOf, Kind } from "./answers";
export { asApiError } from "./types";
export type { AppInfo, Autostart, Client, PickWhat, Shell } from "./types";
