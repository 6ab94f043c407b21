-- SPDX-License-Identifier: MIT
-- Input of the SQLite benchmark: @rows rows in memory, two indexes, joins and groups.
.bail on
CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT, town TEXT, born INTEGER);
CREATE TABLE payment(id INTEGER PRIMARY KEY, person INTEGER, amount INTEGER, note TEXT);
BEGIN;
WITH RECURSIVE number(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < @rows / 4)
INSERT INTO person
  SELECT i, 'person ' || (i * 7919 % 100003), 'town ' || (i * 31 % 977), 1920 + i * 13 % 100
  FROM number;
WITH RECURSIVE number(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < @rows)
INSERT INTO payment
  SELECT i, 1 + i * 48271 % (@rows / 4), i * 16807 % 9973, printf('note %x of %d', i * 2654435, i)
  FROM number;
COMMIT;
CREATE INDEX payment_person ON payment(person, amount);
CREATE INDEX person_town ON person(town, name);
SELECT town, count(*), sum(amount) FROM person JOIN payment ON payment.person = person.id
  GROUP BY town ORDER BY 3 DESC, 1 LIMIT 20;
SELECT born, group_concat(substr(name, 8), ',')
  FROM (SELECT born, name FROM person ORDER BY name, id LIMIT 5000)
  GROUP BY born ORDER BY born LIMIT 10;
UPDATE payment SET note = note || ' checked' WHERE amount % 3 = 0;
DELETE FROM payment WHERE amount % 7 = 0;
SELECT length(note), count(*) FROM payment GROUP BY 1 ORDER BY 1;
SELECT count(DISTINCT note), max(note) FROM payment;
