import { html as template } from 'hono/html';

/** Text that is safe to put into a page: everything that was interpolated is escaped. */
export type Html = ReturnType<typeof template>;

/** The only way to make HTML here. Interpolated texts are escaped; `raw` is not exported on purpose. */
export const html = template;
