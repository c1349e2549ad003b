import * as build from "../../compiler/hir/build.ts";
import type { Expression, MapDeclaration, Statement } from "../../compiler/hir/tree.ts";
import { voidType } from "../../compiler/hir/types.ts";
import { metadataSlots, type TableName, tableNames } from "../pipeline/tables.ts";

/** HIR that the small programs around the pipelines share. `maps` are a module's, from `tableDeclarations`. */

export function tableIndex(maps: readonly MapDeclaration[], name: TableName): number {
  return maps.findIndex((map) => map.name === tableNames[name]);
}

/** The value in a shared map, or nothing. */
export function lookupTable(maps: readonly MapDeclaration[], name: TableName, key: Expression): Expression {
  const map = tableIndex(maps, name);
  return build.operation("map.ref", [key], build.optionalRef("map", maps[map]!.value!), { map });
}

/** Where a packet enters the graph. */
export interface Entering {
  /** A reference to the scratch memory. */
  readonly scratch: () => Expression;
  /** The pipeline's slot. */
  readonly slot: Expression;
  readonly port: Expression;
  readonly parity: () => Expression;
  readonly fromHost: boolean;
}

/** Notes where the packet enters, with empty metadata, and goes on in the pipeline of its generation. */
export function enterPipeline(maps: readonly MapDeclaration[], entering: Entering): readonly Statement[] {
  const { scratch, slot, port, parity, fromHost } = entering;
  const place = (name: string): Expression => build.field(scratch(), name);
  const target = build.add(build.binary("multiply", slot, build.number(2)), parity());
  return [
    build.store(place("port"), port),
    build.store(place("parity"), parity()),
    build.store(place("fromHost"), build.number(fromHost ? 1 : 0)),
    ...Array.from({ length: metadataSlots }, (_, number) =>
      build.store(build.element(place("metadata"), build.number(number)), build.wide(0)),
    ),
    build.evaluate(
      build.operation("program.tailCall", [build.convert("u32", target)], voidType, {
        map: tableIndex(maps, "slots"),
      }),
    ),
  ];
}
