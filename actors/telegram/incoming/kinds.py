"""What a message may hold, by the name of the member that holds it: Bot API 10.3. Pure.

A member that stands in none of these came with a newer Bot API.
"""

from actors.surfaces.shapes import Json

FILES = (
    "animation", "video", "video_note", "voice", "audio", "photo", "live_photo", "sticker",
    "document",
)  # fmt: skip
"""Files; an animation is a document, too, and a live photo a photo."""

WORDLESS = ("venue", "location", "contact", "dice", "sticker")
"""What can be said in words; a venue is a location, too."""

UNREAD = frozenset({
    "checklist", "game", "giveaway", "giveaway_winners", "invoice", "paid_media", "poll",
    "rich_message", "story",
})  # fmt: skip
"""What somebody sent, and we cannot read."""

SERVICE = frozenset({
    "boost_added", "channel_chat_created", "chat_background_set", "chat_owner_changed",
    "chat_owner_left", "chat_shared", "checklist_tasks_added", "checklist_tasks_done",
    "community_chat_added", "community_chat_joined", "community_chat_removed",
    "connected_website", "delete_chat_photo", "direct_message_price_changed",
    "forum_topic_closed", "forum_topic_created", "forum_topic_edited", "forum_topic_reopened",
    "general_forum_topic_hidden", "general_forum_topic_unhidden", "gift", "gift_upgrade_sent",
    "giveaway_completed", "giveaway_created", "group_chat_created", "left_chat_member",
    "managed_bot_created", "message_auto_delete_timer_changed", "migrate_from_chat_id",
    "migrate_to_chat_id", "new_chat_members", "new_chat_photo", "new_chat_title",
    "paid_message_price_changed", "passport_data", "pinned_message", "poll_option_added",
    "poll_option_deleted", "proximity_alert_triggered", "refunded_payment",
    "successful_payment", "suggested_post_approval_failed", "suggested_post_approved",
    "suggested_post_declined", "suggested_post_paid", "suggested_post_refunded",
    "supergroup_chat_created", "unique_gift", "user_shared", "users_shared",
    "video_chat_ended", "video_chat_participants_invited", "video_chat_scheduled",
    "video_chat_started", "web_app_data", "write_access_allowed",
})  # fmt: skip
"""What Telegram itself says of a chat; it wants no answer."""

FRAME = frozenset({
    "author_signature", "business_connection_id", "caption", "caption_entities", "chat", "date",
    "direct_messages_topic", "edit_date", "effect_id", "entities", "ephemeral_message_id",
    "external_reply", "forward_date", "forward_from", "forward_from_chat",
    "forward_from_message_id", "forward_origin", "forward_sender_name", "forward_signature",
    "from", "guest_bot_caller_chat", "guest_bot_caller_user", "guest_query_id",
    "has_media_spoiler", "has_protected_content", "is_automatic_forward", "is_from_offline",
    "is_paid_post", "is_topic_message", "link_preview_options", "media_group_id", "message_id",
    "message_thread_id", "paid_star_count", "quote", "receiver_user", "reply_markup",
    "reply_to_checklist_task_id", "reply_to_message", "reply_to_poll_option_id",
    "reply_to_story", "sender_boost_count", "sender_business_bot", "sender_chat", "sender_tag",
    "show_caption_above_media", "suggested_post_info", "text", "via_bot",
})  # fmt: skip
"""What is said about a message, and its words."""

_SENT = frozenset({*FILES, *WORDLESS, *UNREAD})


def is_sent(raw: Json) -> bool:
    """Whether the message holds something besides words that somebody sent."""
    return not _SENT.isdisjoint(raw)


def is_new(raw: Json) -> bool:
    """Whether the message holds what this program is too old for, and nothing that it knows."""
    return SERVICE.isdisjoint(raw) and not raw.keys() <= _SENT | FRAME
