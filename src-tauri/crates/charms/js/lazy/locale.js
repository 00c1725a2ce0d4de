// Dates and numbers in the words of American English.
//
// Owns what the engine's own Intl lacks: formats by options, time zones, digit
// grouping, currencies. The engine's version gives one form whatever is asked
// for. Every other language is answered in this one too, except for the order of
// a plain numeric date, which charms use as a way to get 2026-01-05. The forms
// are those of current browsers. A script, read by locale.js when a charm first
// asks for a format; never decides what a value is.
({ Temporal, note }) => {
  const DATE_FIELDS = ["weekday", "year", "month", "day"];
  const TIME_FIELDS = ["dayPeriod", "hour", "minute", "second", "fractionalSecondDigits"];
  const MONTHS =
    "January February March April May June July August September October November December".split(
      " ",
    );
  const DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");
  // Zones with names of their own; the rest is written as an offset from GMT.
  const NAMED = {
    UTC: ["UTC", "UTC", "Coordinated Universal Time", "Coordinated Universal Time"],
  };
  for (const [letter, name, zones] of [
    ["E", "Eastern", "New_York Detroit Toronto Montreal"],
    ["C", "Central", "Chicago Winnipeg Menominee"],
    ["M", "Mountain", "Denver Boise Edmonton Phoenix"],
    ["P", "Pacific", "Los_Angeles Vancouver Tijuana"],
    ["AK", "Alaska", "Anchorage Juneau"],
  ]) {
    for (const zone of zones.split(" "))
      NAMED[`America/${zone}`] = [
        `${letter}ST`,
        `${letter}DT`,
        `${name} Standard Time`,
        `${name} Daylight Time`,
      ];
  }
  NAMED["Pacific/Honolulu"] = ["HST", "HDT", "Hawaii-Aleutian Standard Time", ""];
  NAMED["Europe/London"] = ["GMT", "GMT+1", "Greenwich Mean Time", "British Summer Time"];
  for (const city of "Amsterdam Berlin Brussels Budapest Copenhagen Madrid Oslo Paris Prague Rome Stockholm Vienna Warsaw Zurich".split(
    " ",
  ))
    NAMED[`Europe/${city}`] = [
      "GMT+1",
      "GMT+2",
      "Central European Standard Time",
      "Central European Summer Time",
    ];
  NAMED["Asia/Tokyo"] = ["GMT+9", "", "Japan Standard Time", ""];
  NAMED["Asia/Kolkata"] = ["GMT+5:30", "", "India Standard Time", ""];

  // --- Which language -------------------------------------------------------

  function localeOf(locales) {
    const first = Array.isArray(locales) ? locales[0] : locales;
    if (first === undefined) return "en-US";
    if (typeof first !== "string" && (typeof first !== "object" || first === null))
      throw new TypeError("Incorrect locale information provided");
    const tag = `${first}`;
    if (!/^[a-z]{2,8}([-_][a-z0-9]{1,8})*$/i.test(tag))
      throw new RangeError(`Incorrect locale information provided: ${tag}`);
    if (!/^(en|sv)\b/i.test(tag))
      note(`Only English formats are known here, and the charm asked for "${tag}"`);
    return tag;
  }

  /** How a date of numbers is written, where it is not 1/5/2026. */
  function numericOrder(locale) {
    if (/^(sv|en-CA)\b/i.test(locale)) return "y-M-d";
    if (/^en-(GB|AU|NZ|IE|IN|ZA)\b/i.test(locale)) return "d/M/y";
    return "M/d/y";
  }

  function choice(options, name, allowed) {
    const value = options[name];
    if (value === undefined) return undefined;
    if (!allowed.includes(`${value}`))
      throw new RangeError(`Value ${value} out of range for Intl options property ${name}`);
    return `${value}`;
  }

  // --- Dates ----------------------------------------------------------------

  const WIDTHS = ["narrow", "short", "long"];
  const DIGITS = ["numeric", "2-digit"];
  const STYLES = ["full", "long", "medium", "short"];

  function dateOptions(given, required, defaults) {
    const options = given === undefined ? {} : Object(given);
    const read = {
      weekday: choice(options, "weekday", WIDTHS),
      era: choice(options, "era", WIDTHS),
      year: choice(options, "year", DIGITS),
      month: choice(options, "month", [...DIGITS, ...WIDTHS]),
      day: choice(options, "day", DIGITS),
      dayPeriod: choice(options, "dayPeriod", WIDTHS),
      hour: choice(options, "hour", DIGITS),
      minute: choice(options, "minute", DIGITS),
      second: choice(options, "second", DIGITS),
      fractionalSecondDigits: choice(options, "fractionalSecondDigits", ["1", "2", "3"]),
      timeZoneName: choice(options, "timeZoneName", [
        "short",
        "long",
        "shortOffset",
        "longOffset",
        "shortGeneric",
        "longGeneric",
      ]),
      hourCycle: choice(options, "hourCycle", ["h11", "h12", "h23", "h24"]),
      dateStyle: choice(options, "dateStyle", STYLES),
      timeStyle: choice(options, "timeStyle", STYLES),
      hour12: options.hour12 === undefined ? undefined : Boolean(options.hour12),
      timeZone: zoneOf(options.timeZone),
    };
    const has = (names) => names.some((name) => read[name] !== undefined);
    if (read.dateStyle !== undefined || read.timeStyle !== undefined) {
      if (has([...DATE_FIELDS, ...TIME_FIELDS, "era", "timeZoneName"]))
        throw new TypeError("Can't set option when dateStyle or timeStyle is used");
      if (required === "date" && read.timeStyle !== undefined)
        throw new TypeError("Invalid option : timeStyle");
      if (required === "time" && read.dateStyle !== undefined)
        throw new TypeError("Invalid option : dateStyle");
      return read;
    }
    const wanted =
      required === "date" ? DATE_FIELDS : required === "time" ? TIME_FIELDS : [...DATE_FIELDS, ...TIME_FIELDS];
    if (!has(wanted)) {
      if (defaults !== "time") read.year = read.month = read.day = "numeric";
      if (defaults !== "date") read.hour = read.minute = read.second = "numeric";
    }
    return read;
  }

  /** The zone as it is named, checked; undefined for the charm's own. */
  function zoneOf(zone) {
    if (zone === undefined) return undefined;
    const name = `${zone}`;
    if (/^(utc|gmt|etc\/(utc|gmt)|z)$/i.test(name)) return "UTC";
    try {
      return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name).timeZoneId;
    } catch {
      throw new RangeError(`Invalid time zone specified: ${name}`);
    }
  }

  /** The fields of a moment on a clock in the zone. */
  function fieldsOf(moment, zone) {
    if (zone === undefined) {
      const date = new Date(moment);
      return {
        year: date.getFullYear(),
        month: date.getMonth() + 1,
        day: date.getDate(),
        weekday: date.getDay(),
        hour: date.getHours(),
        minute: date.getMinutes(),
        second: date.getSeconds(),
        millisecond: date.getMilliseconds(),
        offset: -date.getTimezoneOffset(),
      };
    }
    const at = Temporal.Instant.fromEpochMilliseconds(moment).toZonedDateTimeISO(zone);
    return {
      year: at.year,
      month: at.month,
      day: at.day,
      weekday: at.dayOfWeek % 7,
      hour: at.hour,
      minute: at.minute,
      second: at.second,
      millisecond: at.millisecond,
      offset: Math.round(at.offsetNanoseconds / 6e10),
    };
  }

  const two = (n) => String(n).padStart(2, "0");

  function offsetName(minutes, long) {
    if (minutes === 0) return "GMT";
    const whole = Math.trunc(Math.abs(minutes) / 60);
    const rest = Math.abs(minutes) % 60;
    const sign = minutes < 0 ? "-" : "+";
    if (long) return `GMT${sign}${two(whole)}:${two(rest)}`;
    return `GMT${sign}${whole}${rest === 0 ? "" : `:${two(rest)}`}`;
  }

  function zoneName(style, zone, fields, moment) {
    const long = style.startsWith("long");
    if (style.endsWith("Offset")) return offsetName(fields.offset, long);
    const named = NAMED[zone ?? "UTC"];
    if (named === undefined || (zone === undefined && fields.offset !== 0))
      return offsetName(fields.offset, long);
    if (style.endsWith("Generic") && /^[A-Z]+ST$/.test(named[0]))
      return long ? named[2].replace(" Standard", "") : named[0].replace("ST", "T");
    // Summer time is what is ahead of the zone's time in January or July.
    const year = new Date(moment).getUTCFullYear();
    const half = (month) => fieldsOf(Date.UTC(year, month, 1), zone).offset;
    const summer = fields.offset > Math.min(half(0), half(6)) ? 1 : 0;
    return named[(long ? 2 : 0) + summer];
  }

  function textOf(names, index, style) {
    if (style === "long") return names[index];
    return names[index].slice(0, style === "narrow" ? 1 : 3);
  }

  function hours(options) {
    if (options.hour12 !== undefined) return options.hour12 ? "h12" : "h24";
    return options.hourCycle ?? (/^sv\b|^en-GB\b/i.test(options.locale) ? "h23" : "h12");
  }

  const lit = (value) => ({ type: "literal", value });

  /** Parts joined by literals; empty ones are left out. */
  function joined(pieces, separator) {
    const parts = [];
    for (const piece of pieces) {
      if (piece.length === 0) continue;
      if (parts.length > 0) parts.push(lit(separator));
      parts.push(...piece);
    }
    return parts;
  }

  function yearPart(o, f) {
    if (o.year === undefined) return [];
    const year = o.era !== undefined && f.year < 1 ? 1 - f.year : f.year;
    return [{ type: "year", value: o.year === "2-digit" ? two(Math.abs(year) % 100) : String(year) }];
  }

  const numberPart = (type, style, value) =>
    style === undefined
      ? []
      : [{ type, value: style === "2-digit" ? two(value) : String(value) }];

  function dateParts(o, f) {
    const year = yearPart(o, f);
    const weekday =
      o.weekday === undefined
        ? []
        : [{ type: "weekday", value: textOf(DAYS, f.weekday, o.weekday) }];
    const inWords = o.month !== undefined && !DIGITS.includes(o.month);
    if (inWords) {
      // Day, month and year go the other way round outside of America.
      const month = [{ type: "month", value: textOf(MONTHS, f.month - 1, o.month) }];
      const day = numberPart("day", o.day, f.day);
      const turned = numericOrder(o.locale) === "d/M/y";
      const monthDay = joined(turned ? [day, month] : [month, day], " ");
      const date = joined([monthDay, year], day.length > 0 && !turned ? ", " : " ");
      return withEra(joined([weekday, date], ", "), o, f);
    }
    const order = numericOrder(o.locale);
    const padded = order !== "M/d/y" && o.year !== undefined && o.month !== undefined;
    const style = (given) => (padded && given !== undefined ? "2-digit" : given);
    const month = numberPart("month", style(o.month), f.month);
    const day = numberPart("day", style(o.day), f.day);
    if (month.length === 0 && year.length === 0 && day.length > 0 && weekday.length > 0)
      return joined([day, weekday], " ");
    const by = { y: year, M: month, d: day };
    const mark = order[1];
    const date = joined(order.split(mark).map((letter) => by[letter]), mark);
    return withEra(joined([weekday, date], ", "), o, f);
  }

  function withEra(parts, o, f) {
    if (o.era === undefined) return parts;
    const bc = f.year < 1;
    const value = {
      short: bc ? "BC" : "AD",
      long: bc ? "Before Christ" : "Anno Domini",
      narrow: bc ? "B" : "A",
    }[o.era];
    return joined([parts, [{ type: "era", value }]], " ");
  }

  function timeParts(o, f) {
    const cycle = hours(o);
    const twelve = cycle === "h12" || cycle === "h11";
    const parts = [];
    if (o.hour !== undefined) {
      let value = f.hour;
      if (cycle === "h12") value = f.hour % 12 || 12;
      else if (cycle === "h11") value = f.hour % 12;
      else if (cycle === "h24") value = f.hour || 24;
      parts.push([
        { type: "hour", value: o.hour === "2-digit" || !twelve ? two(value) : String(value) },
      ]);
    }
    const alone = o.hour === undefined;
    if (o.minute !== undefined) {
      const plain = alone && o.second === undefined;
      parts.push([{ type: "minute", value: plain ? String(f.minute) : two(f.minute) }]);
    }
    if (o.second !== undefined || o.fractionalSecondDigits !== undefined) {
      const plain = alone && o.minute === undefined && o.fractionalSecondDigits === undefined;
      const second = [];
      if (o.second !== undefined)
        second.push({ type: "second", value: plain ? String(f.second) : two(f.second) });
      if (o.fractionalSecondDigits !== undefined) {
        const digits = String(f.millisecond).padStart(3, "0");
        if (second.length > 0) second.push(lit("."));
        const value = digits.slice(0, Number(o.fractionalSecondDigits));
        second.push({ type: "fractionalSecond", value });
      }
      parts.push(second);
    }
    const time = joined(parts, ":");
    if (o.hour === undefined || !twelve) return time;
    const half = o.dayPeriod === undefined ? (f.hour < 12 ? "AM" : "PM") : partOfDay(f.hour);
    return joined([time, [{ type: "dayPeriod", value: half }]], o.space);
  }

  function partOfDay(hour) {
    if (hour === 12) return "noon";
    if (hour < 6 || hour >= 21) return "at night";
    return hour < 12 ? "in the morning" : hour < 18 ? "in the afternoon" : "in the evening";
  }

  const DATE_STYLES = {
    full: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
    long: { year: "numeric", month: "long", day: "numeric" },
    medium: { year: "numeric", month: "short", day: "numeric" },
    short: { year: "2-digit", month: "numeric", day: "numeric" },
  };
  const TIME_STYLES = {
    full: { hour: "numeric", minute: "2-digit", second: "2-digit", timeZoneName: "long" },
    long: { hour: "numeric", minute: "2-digit", second: "2-digit", timeZoneName: "short" },
    medium: { hour: "numeric", minute: "2-digit", second: "2-digit" },
    short: { hour: "numeric", minute: "2-digit" },
  };

  function partsOf(moment, options) {
    const o = {
      ...options,
      ...DATE_STYLES[options.dateStyle],
      ...TIME_STYLES[options.timeStyle],
    };
    const f = fieldsOf(moment, o.timeZone);
    const date = dateParts(o, f);
    let time = timeParts(o, f);
    if (o.timeZoneName !== undefined) {
      const name = { type: "timeZoneName", value: zoneName(o.timeZoneName, o.timeZone, f, moment) };
      if (time.length === 0) return joined([date, [name]], ", ");
      time = joined([time, [name]], " ");
    }
    const iso = numericOrder(o.locale) === "y-M-d" && /^sv\b/i.test(o.locale);
    const words =
      options.dateStyle === "full" ||
      options.dateStyle === "long" ||
      (options.dateStyle === undefined && o.month === "long");
    const close = iso || (date.length === 1 && date[0].type === "weekday");
    return joined([date, time], words ? " at " : close ? " " : ", ");
  }

  function momentOf(value) {
    if (value === undefined) return Date.now();
    if (value !== null && typeof value === "object" && "epochMilliseconds" in value)
      return value.epochMilliseconds;
    const moment = typeof value === "object" && value !== null ? value.valueOf() : Number(value);
    if (!Number.isFinite(moment) || Math.abs(moment) > 8.64e15)
      throw new RangeError("Invalid time value");
    return moment;
  }

  const text = (parts) => parts.map((part) => part.value).join("");
  // Browsers show a plain space before AM and PM in text, and the narrow one in parts.
  const dateText = (parts) => text(parts).replaceAll(SPACE, " ");

  class DateTimeFormat {
    #options;
    #format = null;

    constructor(locales, options) {
      this.#options = prepareDate(locales, options, "any", "date");
    }

    static supportedLocalesOf(locales) {
      return [locales ?? []].flat().filter((tag) => /^en\b/i.test(tag));
    }

    get format() {
      this.#format ??= (value) => dateText(partsOf(momentOf(value), this.#options));
      return this.#format;
    }

    formatToParts(value) {
      return partsOf(momentOf(value), this.#options);
    }

    formatRange(from, to) {
      const [start, end] = [this.format(from), this.format(to)];
      return start === end ? start : `${start} \u2013 ${end}`;
    }

    formatRangeToParts(from, to) {
      const as = (source) => (part) => ({ ...part, source });
      return [
        ...this.formatToParts(from).map(as("startRange")),
        { ...lit(" \u2013 "), source: "shared" },
        ...this.formatToParts(to).map(as("endRange")),
      ];
    }

    resolvedOptions() {
      const { locale, space: _, ...options } = this.#options;
      const found = { locale, calendar: "gregory", numberingSystem: "latn" };
      for (const key of Object.keys(options))
        if (options[key] !== undefined) found[key] = options[key];
      found.timeZone ??= Temporal.Now.timeZoneId();
      if (options.hour !== undefined || options.timeStyle !== undefined) {
        found.hourCycle = hours(this.#options);
        found.hour12 = found.hourCycle === "h12" || found.hourCycle === "h11";
      }
      return found;
    }

    get [Symbol.toStringTag]() {
      return "Intl.DateTimeFormat";
    }
  }

  function prepareDate(locales, options, required, defaults) {
    const locale = localeOf(locales);
    return { ...dateOptions(options, required, defaults), locale, space: SPACE };
  }

  // What stands before AM and PM.
  const SPACE = "\u202f";

  // --- Numbers --------------------------------------------------------------

  const SYMBOLS = {
    USD: "$",
    EUR: "\u20ac",
    GBP: "\u00a3",
    JPY: "\u00a5",
    INR: "\u20b9",
    CNY: "CN\u00a5",
    KRW: "\u20a9",
    BRL: "R$",
    CAD: "CA$",
    AUD: "A$",
    MXN: "MX$",
    NZD: "NZ$",
    HKD: "HK$",
    ILS: "\u20aa",
    TWD: "NT$",
    VND: "\u20ab",
    PHP: "\u20b1",
  };
  const CURRENCY_NAMES = {
    USD: "US dollar",
    EUR: "euro",
    GBP: "British pound",
    JPY: "Japanese yen",
    CAD: "Canadian dollar",
    AUD: "Australian dollar",
    CHF: "Swiss franc",
    INR: "Indian rupee",
    CNY: "Chinese yuan",
  };
  const NO_CENTS = ["JPY", "KRW", "VND", "CLP", "ISK", "PYG", "UGX", "XAF", "XOF", "XPF"];
  const UNITS = {
    byte: "byte",
    kilobyte: "kB",
    megabyte: "MB",
    gigabyte: "GB",
    terabyte: "TB",
    kilometer: "km",
    meter: "m",
    centimeter: "cm",
    mile: "mi",
    foot: "ft",
    inch: "in",
    kilogram: "kg",
    gram: "g",
    pound: "lb",
    ounce: "oz",
    liter: "L",
    second: "sec",
    minute: "min",
    hour: "hr",
    day: "day",
    week: "wk",
    month: "mth",
    year: "yr",
    percent: "%",
    celsius: "\u00b0C",
    fahrenheit: "\u00b0F",
    "kilometer-per-hour": "km/h",
    "mile-per-hour": "mph",
  };
  const COMPACT = [
    [15, "T", "trillion", 12],
    [12, "T", "trillion", 12],
    [9, "B", "billion", 9],
    [6, "M", "million", 6],
    [3, "K", "thousand", 3],
  ];

  function digitsOption(options, name, low, high) {
    const value = options[name];
    if (value === undefined) return undefined;
    const number = Number(value);
    if (Number.isNaN(number) || number < low || number > high)
      throw new RangeError(`${name} value is out of range.`);
    return Math.floor(number);
  }

  function numberOptions(locales, given) {
    const options = given === undefined ? {} : Object(given);
    const style = choice(options, "style", ["decimal", "percent", "currency", "unit"]) ?? "decimal";
    const read = {
      locale: localeOf(locales),
      style,
      currency: options.currency === undefined ? undefined : `${options.currency}`.toUpperCase(),
      currencyDisplay:
        choice(options, "currencyDisplay", ["symbol", "narrowSymbol", "code", "name"]) ?? "symbol",
      currencySign: choice(options, "currencySign", ["standard", "accounting"]) ?? "standard",
      unit: options.unit,
      unitDisplay: choice(options, "unitDisplay", WIDTHS) ?? "short",
      notation:
        choice(options, "notation", ["standard", "scientific", "engineering", "compact"]) ??
        "standard",
      compactDisplay: choice(options, "compactDisplay", ["short", "long"]) ?? "short",
      signDisplay:
        choice(options, "signDisplay", ["auto", "never", "always", "exceptZero", "negative"]) ??
        "auto",
      useGrouping: options.useGrouping,
    };
    if (style === "currency" && read.currency === undefined)
      throw new TypeError("Currency code is required with currency style.");
    if (read.currency !== undefined && !/^[A-Z]{3}$/.test(read.currency))
      throw new RangeError(`Invalid currency code : ${options.currency}`);
    if (style === "unit" && read.unit === undefined)
      throw new TypeError("Unit is required with unit style.");
    read.minimumIntegerDigits = digitsOption(options, "minimumIntegerDigits", 1, 21) ?? 1;
    const least = digitsOption(options, "minimumFractionDigits", 0, 100);
    const most = digitsOption(options, "maximumFractionDigits", 0, 100);
    const minSignificant = digitsOption(options, "minimumSignificantDigits", 1, 21);
    const maxSignificant = digitsOption(options, "maximumSignificantDigits", 1, 21);
    if (minSignificant !== undefined || maxSignificant !== undefined) {
      read.minimumSignificantDigits = minSignificant ?? 1;
      read.maximumSignificantDigits = maxSignificant ?? 21;
      if (read.minimumSignificantDigits > read.maximumSignificantDigits)
        throw new RangeError("maximumSignificantDigits value is out of range.");
      return read;
    }
    if (read.notation === "compact" && least === undefined && most === undefined) {
      read.rounded = true;
      read.minimumFractionDigits = read.maximumFractionDigits = 0;
      return read;
    }
    const cents = style === "currency" ? (NO_CENTS.includes(read.currency) ? 0 : 2) : 0;
    const usual = style === "currency" ? cents : style === "percent" ? 0 : 3;
    if (least !== undefined && most !== undefined && least > most)
      throw new RangeError("maximumFractionDigits value is out of range.");
    read.minimumFractionDigits = least ?? Math.min(cents, most ?? cents);
    read.maximumFractionDigits = most ?? Math.max(usual, read.minimumFractionDigits);
    return read;
  }

  /** A number as digits and the place of the point: 0.0123 is ["123", -1]. */
  function decimalOf(value) {
    const [mantissa, exponent = "0"] = String(value).replace(/^-/, "").split("e");
    const [whole, rest = ""] = mantissa.split(".");
    const all = whole + rest;
    const digits = all.replace(/^0+/, "");
    return [digits, digits === "" ? 0 : whole.length - (all.length - digits.length) + Number(exponent)];
  }

  /** Rounds to so many digits, halves away from zero. */
  function rounded([digits, point], keep) {
    if (keep >= digits.length) return [digits, point];
    if (keep < 0) return ["", 0];
    const up = digits[keep] >= "5";
    if (!up) return [digits.slice(0, keep).replace(/0+$/, ""), point];
    const number = String(BigInt(digits.slice(0, keep) || "0") + 1n);
    return [number.replace(/0+$/, ""), point + number.length - keep];
  }

  function fixed([digits, point], o) {
    const padded = point > 0 ? digits.padEnd(point, "0") : "0".repeat(-point) + digits;
    const whole = point > 0 ? padded.slice(0, point) : "";
    let rest = (point > 0 ? padded.slice(point) : padded).replace(/0+$/, "");
    rest = rest.padEnd(o.least, "0");
    return [whole.padStart(o.minimumIntegerDigits, "0"), rest];
  }

  function roundAs(decimal, o) {
    const [digits, point] = decimal;
    if (o.maximumSignificantDigits !== undefined) {
      const found = rounded(decimal, o.maximumSignificantDigits);
      const least = Math.max(0, o.minimumSignificantDigits - (found[0] === "" ? 1 : found[1]));
      return fixed(found, { ...o, least });
    }
    // Compact numbers have two digits when that is more than the whole.
    const most = o.rounded ? Math.max(0, 2 - point) : o.maximumFractionDigits;
    return fixed(rounded([digits, point], point + most), { ...o, least: o.minimumFractionDigits });
  }

  function grouped(whole, o) {
    const { useGrouping } = o;
    const off = useGrouping === false || useGrouping === "false";
    const late = useGrouping === "min2" || (o.notation === "compact" && useGrouping === undefined);
    const parts = [];
    if (off || whole.length <= (late ? 4 : 3)) return [{ type: "integer", value: whole }];
    for (let end = whole.length; end > 0; end -= 3) {
      if (parts.length > 0) parts.unshift({ type: "group", value: "," });
      parts.unshift({ type: "integer", value: whole.slice(Math.max(0, end - 3), end) });
    }
    return parts;
  }

  function numberParts(value, o) {
    const number = typeof value === "bigint" ? value : Number(value);
    const negative = Object.is(number, -0) || number < 0;
    const body = [];
    let zero = false;
    let one = false;
    if (Number.isNaN(number)) body.push({ type: "nan", value: "NaN" });
    else if (number === Infinity || number === -Infinity)
      body.push({ type: "infinity", value: "\u221e" });
    else {
      let [digits, point] = decimalOf(number);
      if (o.style === "percent" && digits !== "") point += 2;
      let suffix = null;
      if (o.notation === "compact") [point, suffix] = compacted([digits, point], o);
      let exponent = null;
      if ((o.notation === "scientific" || o.notation === "engineering") && digits !== "") {
        exponent = point - 1;
        if (o.notation === "engineering") exponent = Math.floor(exponent / 3) * 3;
        point -= exponent;
      }
      const [whole, rest] = roundAs([digits, point], o);
      zero = /^0*$/.test(whole + rest);
      one = whole === "1" && rest === "";
      body.push(...grouped(whole, o));
      if (rest !== "") body.push({ type: "decimal", value: "." }, { type: "fraction", value: rest });
      if (suffix !== null) {
        if (o.compactDisplay === "long") body.push(lit(" "));
        body.push({ type: "compact", value: suffix });
      }
      if (exponent !== null || o.notation === "scientific" || o.notation === "engineering") {
        body.push({ type: "exponentSeparator", value: "E" });
        if (exponent < 0) body.push({ type: "exponentMinusSign", value: "-" });
        body.push({ type: "exponentInteger", value: String(Math.abs(exponent ?? 0)) });
      }
    }
    return signed(dressed(body, o, one), negative, zero || Number.isNaN(number), o);
  }

  function compacted(decimal, o) {
    const [digits, point] = decimal;
    // 999,950 rounds up to a million.
    const [, shown] = rounded(decimal, Math.max(2, (point - 1) % 3 + 1));
    for (const [from, short, long, shift] of COMPACT) {
      if (digits !== "" && Math.max(point, shown) > from)
        return [point - shift, o.compactDisplay === "long" ? long : short];
    }
    return [point, null];
  }

  /** The number with its sign of currency, percent or unit. */
  function dressed(body, o, one) {
    if (o.style === "percent") return [...body, { type: "percentSign", value: "%" }];
    if (o.style === "currency") {
      const { currency, currencyDisplay } = o;
      if (currencyDisplay === "name") {
        const name = CURRENCY_NAMES[currency];
        const value = name === undefined ? currency : one || /yen|yuan/.test(name) ? name : `${name}s`;
        return [...body, lit(" "), { type: "currency", value }];
      }
      let value = currencyDisplay === "code" ? currency : (SYMBOLS[currency] ?? currency);
      if (currencyDisplay === "narrowSymbol") value = value.replace(/^[A-Z]+(?=[^A-Z])/, "");
      const gap = /[A-Z]$/.test(value) ? [lit("\u00a0")] : [];
      return [{ type: "currency", value }, ...gap, ...body];
    }
    if (o.style === "unit") {
      const long = o.unitDisplay === "long";
      const name = long ? `${o.unit}${one ? "" : "s"}` : (UNITS[o.unit] ?? o.unit);
      const many = !long && !one && /^(day|wk|mth|yr)$/.test(name) ? `${name}s` : name;
      const tight = /^[%\u00b0]/.test(many) || o.unitDisplay === "narrow";
      return [...body, ...(tight ? [] : [lit(" ")]), { type: "unit", value: many }];
    }
    return body;
  }

  function signed(parts, negative, zero, o) {
    const minus = negative && !(zero && ["exceptZero", "negative"].includes(o.signDisplay));
    if (o.signDisplay === "never") return parts;
    if (minus) {
      if (o.style === "currency" && o.currencySign === "accounting")
        return [lit("("), ...parts, lit(")")];
      return [{ type: "minusSign", value: "-" }, ...parts];
    }
    const plus = o.signDisplay === "always" || (o.signDisplay === "exceptZero" && !zero);
    return plus ? [{ type: "plusSign", value: "+" }, ...parts] : parts;
  }

  class NumberFormat {
    #options;
    #format = null;

    constructor(locales, options) {
      this.#options = numberOptions(locales, options);
    }

    static supportedLocalesOf(locales) {
      return DateTimeFormat.supportedLocalesOf(locales);
    }

    get format() {
      this.#format ??= (value) => text(numberParts(value, this.#options));
      return this.#format;
    }

    formatToParts(value) {
      return numberParts(value, this.#options);
    }

    formatRange(from, to) {
      return `${this.format(from)}\u2013${this.format(to)}`;
    }

    resolvedOptions() {
      const { rounded: _, ...found } = this.#options;
      for (const key of Object.keys(found)) if (found[key] === undefined) delete found[key];
      return { ...found, numberingSystem: "latn" };
    }

    get [Symbol.toStringTag]() {
      return "Intl.NumberFormat";
    }
  }

  // --- Plurals and relative times -------------------------------------------

  class PluralRules {
    #ordinal;
    #options;

    constructor(locales, options = {}) {
      localeOf(locales);
      this.#ordinal = choice(options, "type", ["cardinal", "ordinal"]) === "ordinal";
      this.#options = numberOptions("en-US", options);
    }

    static supportedLocalesOf(locales) {
      return DateTimeFormat.supportedLocalesOf(locales);
    }

    select(value) {
      const shown = text(numberParts(Math.abs(Number(value)), { ...this.#options, useGrouping: false }));
      if (!this.#ordinal) return shown === "1" ? "one" : "other";
      if (!/^\d+$/.test(shown) || /1[123]$/.test(shown)) return "other";
      return { 1: "one", 2: "two", 3: "few" }[shown.at(-1)] ?? "other";
    }

    resolvedOptions() {
      return {
        locale: "en-US",
        type: this.#ordinal ? "ordinal" : "cardinal",
        pluralCategories: this.#ordinal ? ["few", "one", "two", "other"] : ["one", "other"],
      };
    }
  }

  const NEAR = {
    day: { "-1": "yesterday", 0: "today", 1: "tomorrow" },
    second: { 0: "now" },
  };

  class RelativeTimeFormat {
    #auto;
    #style;

    constructor(locales, options = {}) {
      localeOf(locales);
      this.#auto = choice(options, "numeric", ["always", "auto"]) === "auto";
      this.#style = choice(options, "style", WIDTHS) ?? "long";
    }

    static supportedLocalesOf(locales) {
      return DateTimeFormat.supportedLocalesOf(locales);
    }

    format(value, unit) {
      const name = `${unit}`.replace(/s$/, "");
      if (!/^(second|minute|hour|day|week|month|quarter|year)$/.test(name))
        throw new RangeError(`Invalid unit argument for format() '${unit}'`);
      const number = Number(value);
      if (!Number.isFinite(number)) throw new RangeError("Invalid number value");
      if (this.#auto) {
        const near = NEAR[name]?.[number];
        if (near !== undefined) return near;
        if (name !== "second" && name !== "day" && [-1, 0, 1].includes(number)) {
          const calendar = name !== "hour" && name !== "minute";
          const word = this.#style === "long" || !calendar ? name : SHORT_UNITS[name];
          if (number === 0) return `this ${word}`;
          if (calendar) return `${number < 0 ? "last" : "next"} ${word}`;
        }
      }
      const shown = text(numberParts(Math.abs(number), numberOptions("en-US")));
      const words = this.#style === "long" ? name : (SHORT_UNITS[name] ?? name);
      const many = shown === "1" || words.endsWith(".") ? words : `${words}s`;
      const last = /^qtr/.test(words) && shown !== "1" ? "qtrs." : many;
      return number < 0 || Object.is(number, -0) ? `${shown} ${last} ago` : `in ${shown} ${last}`;
    }

    resolvedOptions() {
      return { locale: "en-US", style: this.#style, numeric: this.#auto ? "auto" : "always" };
    }
  }

  const SHORT_UNITS = {
    second: "sec.",
    minute: "min.",
    hour: "hr.",
    week: "wk.",
    month: "mo.",
    quarter: "qtr.",
    year: "yr.",
  };

  // --- What the prototypes call ---------------------------------------------

  const shown = (date, locales, options, required, defaults) => {
    const prepared = prepareDate(locales, options, required, defaults);
    const moment = date.valueOf();
    return Number.isNaN(moment) ? "Invalid Date" : dateText(partsOf(moment, prepared));
  };

  return {
    classes: { DateTimeFormat, NumberFormat, PluralRules, RelativeTimeFormat },
    dateAndTime: (date, locales, options) => shown(date, locales, options, "any", "all"),
    date: (date, locales, options) => shown(date, locales, options, "date", "date"),
    time: (date, locales, options) => shown(date, locales, options, "time", "time"),
    number: (value, locales, options) => text(numberParts(value, numberOptions(locales, options))),
  };
};
