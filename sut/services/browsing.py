"""What needs no name: pages with their assets, and products as plain data. The same for everybody, and no cookie is set."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .assets import Assets
from .link import CallError
from .orders import Answer, is_sku
from .pages import Pages
from .replies import number, page, respond
from .shelves import Shelves, now_ms
from .shown import Product, Shown

LATEST_PAGE = 1_000
HOME_S = 5  # it shows nothing that could grow old
NO_SKU: Answer = (404, {"refused": "unknown_sku"})
NO_PAGE: Answer = (404, {"refused": "no_such_page"})
NO_ASSET: Answer = (404, {"refused": "no_such_asset"})
NOT_NOW: Answer = (503, {"refused": "database"})


class Browsing:
    """The routes that only show. All of them refuse with 404 what does not exist and with 503 what is not to be had now."""

    def __init__(self, shelves: Shelves, assets: Assets, pages: Pages) -> None:
        self._shelves, self._assets, self._pages = shelves, assets, pages

    def routes(self) -> list[Route]:
        """Give the routes."""
        return [
            Route("/", self.home),
            Route("/c/{category}", self.category_page),
            Route("/p/{sku}", self.product_page),
            Route("/a/{file}", self.asset),
            Route("/products", self.products),
            Route("/products/{sku}", self.product),
        ]

    async def home(self, request: Request) -> Response:
        """Show the front page, which asks nobody."""
        return page(request, self._pages.home, HOME_S)

    async def category_page(self, request: Request) -> Response:
        """Show a page of a category."""
        category, wanted = request.path_params["category"], request.query_params.get("page", "1")
        found = await self._listed(category, wanted)
        if isinstance(found, Shown):
            return page(request, self._pages.category(category, int(wanted), found), found.left_s(now_ms()))
        return respond(found)

    async def product_page(self, request: Request) -> Response:
        """Show a product."""
        found = await self._found(request.path_params["sku"])
        if isinstance(found, Shown):
            return page(request, self._pages.product(found.products[0], found.as_of_ms), found.left_s(now_ms()))
        return respond(found)

    async def asset(self, request: Request) -> Response:
        """Give style, script or a picture."""
        return self._assets.get(request.path_params["file"]) or respond(NO_ASSET)

    async def product(self, request: Request) -> Response:
        """Give one product."""
        found = await self._found(request.path_params["sku"])
        return respond((200, plain(found.products[0])) if isinstance(found, Shown) else found)

    async def products(self, request: Request) -> Response:
        """Give a page of a category, by sku; 400 for a category or a page that cannot be one."""
        wanted = request.query_params.get("page", "1")
        found = await self._listed(request.query_params.get("category"), wanted)
        if not isinstance(found, Shown):
            return respond(found)
        listed = [plain(product) | {"category": product.category} for product in found.products]
        return respond((200, {"page": int(wanted), "products": listed}))

    async def _found(self, sku: str) -> Shown | Answer:
        if not is_sku(sku):
            return NO_SKU
        try:
            shown = await self._shelves.product(sku)
        except CallError:
            return NOT_NOW
        return shown if shown.products else NO_SKU

    async def _listed(self, category: str | None, wanted: str) -> Shown | Answer:
        found = number(wanted, LATEST_PAGE)
        if category is None or not is_sku(category) or found is None:
            return 400, {"refused": "malformed: category or page"}
        try:
            shown = await self._shelves.listed(category, found)
        except CallError:
            return NOT_NOW
        return shown if shown.products else NO_PAGE


def plain(product: Product) -> dict[str, Any]:
    """Give what shoppers see of a product."""
    return {
        "sku": product.sku,
        "name": product.name,
        "price_cents": product.price_cents,
        "in_stock": product.in_stock,
    }
