"""SQLAlchemy models of the row programs. Create the tables: python row_tables.py"""

import os
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, create_engine, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

URL = os.environ["DATABASE_URL"]


class Base(DeclarativeBase):
    pass


class Input(Base):
    __tablename__ = "inputs"
    id: Mapped[int] = mapped_column(primary_key=True)
    features: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Prediction(Base):
    __tablename__ = "predictions"
    id: Mapped[int] = mapped_column(primary_key=True)
    input_id: Mapped[int] = mapped_column(ForeignKey("inputs.id"))
    input: Mapped[Input] = relationship()
    label: Mapped[str]
    confidence: Mapped[float]
    scores: Mapped[dict[str, float]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


if __name__ == "__main__":
    Base.metadata.create_all(create_engine(URL))
