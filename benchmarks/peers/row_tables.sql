-- Tables of row_expert.py.
CREATE TABLE inputs (
    id uuid PRIMARY KEY,
    features jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE predictions (
    id uuid PRIMARY KEY,
    input_id uuid NOT NULL REFERENCES inputs (id),
    label text NOT NULL,
    confidence double precision NOT NULL,
    scores jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
