/** Rows of tables that are no contenders of their own, but that others are compared with. */
export const SUBJECT = 'mailferry';
export const SIDE_BY_SIDE = '8 mpop side by side';
export const BARE_PUT = 'bare loop: PutObject';
export const FLOOR = 'node -e 0';
