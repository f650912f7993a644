-- Tables of image_expert.py.
CREATE TABLE inputs (
    id uuid PRIMARY KEY,
    path text NOT NULL,
    sha256 text NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
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
