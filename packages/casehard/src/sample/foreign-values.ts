/**
 * Values that other products made, of throw-away texts under throw-away keys. None comes from our code; each line says
 * where it is from.
 */
export const FOREIGN = {
  /** node-laravel-encryptor 3.0.2, `encryptSync('mailer-test', true)`, random key. */
  laravel:
    'eyJpdiI6Ill6ZzBNMlJrWVdOaFpqSXdZbVl3WVE9PSIsInZhbHVlIjoidGxXUHVUVzFLL041UFN5TFF2QVQ1SFRhSWJZOHlaQklMZzZRTi9kK1gvWT0iLCJtYWMiOiIxYmMzNjk3OWY3MmEzYWExYWY3NzkwZjBkMThhZGI0OTdhMDk3MDkxMWZjNmQ0ZWM3YWUzYjMwYmQyOTQwYzY4In0=',
  /** Python cryptography, `Fernet(generate_key()).encrypt(b'mailer-test')`. */
  fernet: 'gAAAAABrBQdthdz48mp5di-ofG9iO4K2-uMPFMQ9BfMWyXVjMVq09R7LRcYGSmnQzrhXpZwogxByzGAQX-3j7qpHL3onWBfGkA==',
  /** PHP 8.2, `password_hash('mailer-test-password', PASSWORD_BCRYPT)`. */
  bcrypt: '$2y$10$ViK49GrsgdwGtHbMVUc6F.UlQQ8AMW5IxM/.wsiKdPuevRukyK48O',
  /** OpenSSL 3.0.19, `openssl enc -aes-256-cbc -pbkdf2 -a -A`. */
  openssl: 'U2FsdGVkX1/uoxpPf3lZWsaInhmnlIS5LirZNcpYi/SnJYC0wWfnR+cyoSFOzkmX',
} as const;

/** The published answer of docs/format.md: it looks sealed, and was sealed under a key that everybody has. */
export const PUBLISHED_SEALED =
  'chd1.h2zivffe.AgACAwoRGB8mLTQ7QklQV15lbKPJo4Wuk1XkvbARi0O6LPyf5nAcsk3aXUVQCgx4fbFhMcwj62r1IBzv7xzDLRHv8RVO33EYfB--Ux2OsLsLmi0';
