"""SQLAlchemy models of the image tutorial. Create the tables: python image_tables.py"""

import os
from datetime import datetime

from sqlalchemy import ForeignKey, Text, create_engine, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

URL = os.environ["DATABASE_URL"]


class Base(DeclarativeBase):
    pass


class Input(Base):
    __tablename__ = "inputs"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    content: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Prediction(Base):
    __tablename__ = "predictions"
    id: Mapped[int] = mapped_column(primary_key=True)
    input_id: Mapped[int] = mapped_column(ForeignKey("inputs.id"))
    label: Mapped[str]
    confidence: Mapped[float]
    scores: Mapped[list[float]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


if __name__ == "__main__":
    Base.metadata.create_all(create_engine(URL))
