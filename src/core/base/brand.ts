/** A type that its plain representation cannot be mistaken for. */
export type Brand<Representation, Name extends string> = Representation & { readonly [brand]: Name };

declare const brand: unique symbol;
