-- Script of pgbench: the two inserts of image_expert.py in one transaction.
BEGIN;
INSERT INTO inputs (id, path, sha256, width, height)
VALUES (gen_random_uuid(), '8f14e45f-ceea-467f-a9ad-0b9d0e0f6a11.png', 'eeacc8233ef7904314d7141b8cfcfeb7269f08e6ebde1ce4662a4863097b7622', 28, 28)
RETURNING id AS input_id \gset
INSERT INTO predictions (id, input_id, label, confidence, scores)
VALUES (gen_random_uuid(), :input_id, '7', 0.99, '[0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.99, 0.001, 0.002]');
COMMIT;
