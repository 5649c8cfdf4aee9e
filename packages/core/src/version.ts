/** The version of @casehard/core, as processes tell it to each other. A test holds it to package.json. */
export const VERSION = '0.1.0';
