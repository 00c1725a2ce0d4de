// A space in which Charmkeeper placed the first piece, until the browser puts its own
// program here. Keeps the list of pieces and nothing else.
import { type Default, equals, handler, NAME, pattern, type Stream, Writable } from "commonfabric";

type Piece = { [NAME]?: string };

interface Output {
  [NAME]: string;
  pieceRegistry: Writable<Piece[] | Default<[]>>;
  addPiece: Stream<{ piece: Writable<Piece> }>;
  removePiece: Stream<{ piece: Writable<Piece> }>;
}

const add = handler<{ piece: Writable<Piece> }, { pieces: Writable<Piece[]> }>(({ piece }, { pieces }) => {
  pieces.addUnique(piece);
});

const remove = handler<{ piece: Writable<Piece> }, { pieces: Writable<Piece[]> }>(({ piece }, { pieces }) => {
  pieces.set(pieces.get().filter((one) => one && !equals(one, piece)));
});

export default pattern<Record<string, never>, Output>(() => {
  const pieceRegistry = new Writable<Piece[]>([]).for("pieceRegistry");
  return {
    [NAME]: "Pieces",
    pieceRegistry,
    addPiece: add({ pieces: pieceRegistry }),
    removePiece: remove({ pieces: pieceRegistry }),
  };
});
