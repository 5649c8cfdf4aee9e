/** @casehard/core/links/http: answers the links of a mail, in any framework that knows Request and Response. */
export { redactLink } from '../parameters.ts';
