//! Senders, subjects and sentences of the sample world. All of it was written
//! for the sandbox; nobody in it exists.

/// Display name and address.
pub(crate) const SENDERS: [(&str, &str); 10] = [
    ("Library Desk", "desk@library.sandbox.example"),
    ("\"Builds, Nightly\"", "nightly@builds.sandbox.example"),
    ("Train Service", "tickets@trains.sandbox.example"),
    ("Café Übersee", "hallo@cafe.sandbox.example"),
    ("مكتب البريد", "post@office.sandbox.example"),
    ("市立図書館", "info@toshokan.sandbox.example"),
    ("Weather Notes", "notes@weather.sandbox.example"),
    ("Repair Shop", "jobs@repairs.sandbox.example"),
    ("Garden Club", "list@garden.sandbox.example"),
    ("Receipts", "receipts@shop.sandbox.example"),
];

/// Subjects of ordinary mail.
pub(crate) const SUBJECTS: [&str; 12] = [
    "Your reservation is ready",
    "Nightly build finished",
    "Change of platform for your train",
    "Opening hours next week",
    "Two books are due on Friday",
    "Notes from this morning",
    "Invoice 2026-1180",
    "A question about the garden fence",
    "Frost expected tonight",
    "The part you ordered has arrived",
    "Minutes of the last meeting",
    "Reminder: parcel at the front desk",
];

/// Sentences of ordinary mail.
pub(crate) const SENTENCES: [&str; 16] = [
    "The desk is open until six, and the side door until eight.",
    "Please bring the slip from the last visit.",
    "Nothing else has changed since yesterday.",
    "The total is 42.50 EUR, paid in full.",
    "We don't need an answer before Thursday.",
    "The second carriage stays locked until the bridge.",
    "Bring gloves & a small spade if you have one.",
    "If a < b then the left one goes first; otherwise > wins.",
    "She said \"after lunch\", so we moved it to two o'clock.",
    "Three of the five checks passed at the first try.",
    "The kettle was repaired and is back on the shelf.",
    "Snow may fall above 400 m during the night.",
    "Your place in the list is number seven.",
    "The old address works until the end of the month.",
    "Someone left a green umbrella at the counter.",
    "This part has no sharp edges and may be washed.",
];

/// Subject and body with emoji, among them a flag, a skin tone and a joined one.
pub(crate) const EMOJI: (&str, &str) = (
    "🎉 You made it! 👩‍🚀🇯🇵👍🏽",
    "Congratulations 🎊\n\nThe whole team 👩‍👩‍👧‍👦 says thanks 🙏🏿 — see you at the 🏁!",
);

/// Subject and body in Japanese, Chinese and Korean.
pub(crate) const CJK: (&str, &str) = (
    "【お知らせ】図書館の開館時間について",
    "平素よりご利用いただきありがとうございます。\n来週の月曜日は午前十時に開館します。\n\n\
     下周一上午十点开馆，请提前预约。\n다음 주 월요일은 오전 10시에 문을 엽니다.",
);

/// Subject and body in Arabic and Hebrew.
pub(crate) const RTL: (&str, &str) = (
    "طردك جاهز للاستلام (رقم 4711)",
    "مرحبًا،\n\nوصل طردك رقم 4711 إلى المكتب، ويمكنك استلامه حتى الساعة 18:00.\n\nהחבילה מחכה לך בדלפק.",
);

/// Subject and body within ISO-8859-1.
pub(crate) const LATIN1: (&str, &str) = (
    "Größe und Maß der Tür",
    "Guten Tag,\n\ndie Tür misst 2,05 m × 0,90 m. Das Schloß wird später geliefert; \
     die Gebühr beträgt 15 £.\n\nMit freundlichen Grüßen",
);

/// Titles of events.
pub(crate) const TITLES: [&str; 10] = [
    "Planning",
    "Dentist",
    "Swimming lesson",
    "Review of the drafts",
    "Car inspection",
    "Lunch by the river",
    "Choir practice",
    "Handover",
    "Parents' evening",
    "Reading group",
];

/// Places of events.
pub(crate) const PLACES: [&str; 6] = [
    "Room 2.14",
    "Straße am Hafen 3, 20457 Hamburg",
    "https://meet.sandbox.example/abc-defg-hij",
    "Platform 7",
    "東京都千代田区1-1",
    "Back garden, if dry",
];
