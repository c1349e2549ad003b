/** The built-in functions: their folders by the kind that graphs write. A new one is a folder and a line here. */
export const builtInFunctions: Readonly<Record<string, URL>> = {
  acl: new URL("./acl/", import.meta.url),
  router: new URL("./router/", import.meta.url),
  switch: new URL("./switch/", import.meta.url),
};
