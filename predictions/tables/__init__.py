"""Read uploaded tables (CSV) and ZIP archives of images, with bounded memory."""
