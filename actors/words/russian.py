"""What the gateway says, in Russian: it speaks of itself without a gender, to the person as «вы».

Numbers stand where no noun must agree with them: «Ждут: 3».
"""

# ruff: noqa: RUF001  # Cyrillic letters are meant

from collections.abc import Mapping
from types import MappingProxyType

from actors.words.word import Word

RUSSIAN: Mapping[Word, str] = MappingProxyType(
    {
        Word.KNOCK: (
            "Здравствуйте! Мы ещё не знакомы, поэтому ваше сообщение осталось непрочитанным.\n\n"
            "Ваш код: **{code}**. Передайте его владельцу бота: доступ откроет команда\n\n"
            "`python supervisor.py debug pair {code}`\n\n"
            "Код одноразовый и действует {minutes} мин. Когда доступ появится, напишите ещё раз."
        ),
        Word.KNOCK_AGAIN: (
            "Доступа пока нет. Его может открыть владелец бота командой\n\n"
            "`python supervisor.py debug pair {code}`\n\n"
            "Код действует ещё {minutes} мин."
        ),
        Word.NOT_ALLOWED: (
            "К сожалению, я отвечаю только тем, кто есть в списке. "
            "Владелец бота может добавить в него `{person}`."
        ),
        Word.LET_IN: "Доступ открыт, пишите! Что я умею, покажет {prefix}help.",
        Word.ADMINS_ONLY: "Команда {prefix}debug доступна только администраторам.",
        Word.EMPTY: (
            "В этом сообщении нет ничего, что я могу прочитать. "
            "Напишите, пожалуйста, словами, о чём оно."
        ),
        Word.TOO_LONG: (
            "Сообщение слишком длинное. Знаков в нём: {length}, "
            "а принять я могу не больше {limit}. Пришлите его, пожалуйста, по частям."
        ),
        Word.QUEUE_FULL: (
            "Это сообщение не принято: очередь заполнена, ваших сообщений в ней уже {limit}. "
            "Пришлите его ещё раз, когда она станет короче. "
            "Остановить текущий ответ: {prefix}stop."
        ),
        Word.FLOOD: (
            "Сообщения приходят быстрее, чем я успеваю отвечать. "
            "Пока вы не сделаете паузу на минуту, лишние остаются без ответа."
        ),
        Word.UNDECRYPTABLE: (
            "Не получилось прочитать зашифрованное сообщение: ключ от него не пришёл. "
            "Напишите его, пожалуйста, ещё раз. Если не получится снова, "
            "перезапустите приложение или обратитесь к владельцу бота."
        ),
        Word.KEY_WITHHELD: (
            "Не получилось прочитать зашифрованное сообщение: "
            "ваше приложение не даёт мне ключ от него. Подтвердите в приложении моё устройство "
            "или разрешите отправку на неподтверждённые устройства и напишите ещё раз. "
            "Если не поможет, обратитесь к владельцу бота."
        ),
        Word.START: (
            "Здравствуйте! Напишите мне, и агент ответит прямо здесь. "
            "Что ещё можно, покажет {prefix}help."
        ),
        Word.HELP: (
            "Напишите, и агент ответит. Пока он отвечает, следующие сообщения ждут по порядку, "
            "не больше {limit}."
            "\n\n"
            "- {prefix}new или `{prefix}new НАЗВАНИЕ`: начать новый чат; "
            "прежний ничего не забудет\n"
            "- {prefix}chats: список ваших чатов\n"
            "- `{prefix}chats C2`: вернуться в чат C2 там, где он был\n"
            "- `{prefix}rename НАЗВАНИЕ`: назвать этот чат\n"
            "- {prefix}archive: убрать этот чат; следующее сообщение начнёт новый\n"
            "- {prefix}stop: остановить ответ и сохранить то, что уже пришло\n"
            "- {prefix}retry: отправить ещё раз последнее неудавшееся или остановленное "
            "сообщение\n"
            "- {prefix}status: чем я сейчас занимаюсь\n"
            "- {prefix}settings: что агент может делать для вас и что показывать с его ответами\n"
            "- {prefix}link: те же чаты в другом приложении\n"
            "- {prefix}unlink: снова разделить их\n"
            "- {prefix}debug: что работает внутри, для администраторов\n"
            "- {prefix}help: этот список"
        ),
        Word.HELP_IN_GROUP: (
            "Здесь есть и другие. Упомяните меня или ответьте на моё сообщение, с командой тоже; "
            "иначе я могу не понять, что вы пишете мне."
        ),
        Word.UNKNOWN_COMMAND: (
            "Такой команды я не знаю. Все команды покажет {prefix}help. "
            "Если это сообщение для агента, начните его с другого слова."
        ),
        Word.UNKNOWN_COMMAND_NEAR: (
            "Такой команды я не знаю. Может быть, {prefix}{near}? Все команды покажет {prefix}help."
        ),
        Word.NEW_CHAT: "Новый чат: {chat}. Остальные покажет {prefix}chats.",
        Word.STILL_EMPTY: "Этот чат и так новый: {chat}. Просто пишите.",
        Word.NO_CHATS: "Чатов пока нет. Напишите что-нибудь, и начнётся первый.",
        Word.CHATS: "Ваши чаты:\n\n{chats}\n\nВернуться, например, в чат C2: `{prefix}chats C2`",
        Word.CHATS_MORE: "- и более давние: {count}",
        Word.CHAT_HERE: "здесь",
        Word.CHAT_IN_USE: "здесь, открыт сейчас",
        Word.CHAT_ELSEWHERE: "в {place}",
        Word.CHAT_ON_SURFACE: "в {surface}",
        Word.CHAT_ON_SURFACE_IN: "в {surface}: {place}",
        Word.CHAT_CHOSEN: "Вы снова в чате {chat}.",
        Word.CHAT_IN_OTHER_ROOM: "Чат {chat} в другом месте: {place}. Продолжайте там.",
        Word.CHAT_ON_OTHER_SURFACE: "Чат {chat} {place}. Продолжайте там.",
        Word.CHAT_UNKNOWN: "Такого чата у вас нет. Ваши чаты покажет {prefix}chats.",
        Word.CHAT_UNKNOWN_HERE: "Такого чата у вас здесь нет. Ваши чаты покажет {prefix}chats.",
        Word.NO_CHAT_YET: "Здесь пока нет чата. Напишите что-нибудь, и он начнётся.",
        Word.RENAME_NEEDS_NAME: "Как его назвать? Напишите `{prefix}rename НАЗВАНИЕ`.",
        Word.RENAMED: "Теперь этот чат называется так: {chat}.",
        Word.ARCHIVED: (
            "Чат {chat} убран. Следующее сообщение начнёт новый, "
            "а этот можно вернуть: `{prefix}chats {slot}`."
        ),
        Word.RETRYING_NOTHING: "Повторять нечего: неудавшихся сообщений у вас здесь нет.",
        Word.TREE: "```\n{tree}\n```",
        Word.STOPPED: "Остановлено.",
        Word.STOPPED_BY_FORCE: (
            "Остановлено. Работа над ответом зависла и прервана; очередь идёт дальше."
        ),
        Word.NOTHING_RUNS: "Сейчас здесь ничего не выполняется.",
        Word.STATUS_IDLE: "Всё готово: сейчас здесь ничего не выполняется.",
        Word.STATUS_RUNNING: "Работаю в чате {chat} уже {seconds} с. В очереди: {waiting}.",
        Word.STATUS_SILENT: (
            "Этот чат сейчас не отзывается. Остановить то, чем он занят: {prefix}stop."
        ),
        Word.STOPPED_MARK: "*Остановлено. Отправить сообщение ещё раз: {prefix}retry.*",
        Word.STOPPED_BEFORE_START: (
            "*Остановлено до начала ответа. Отправить сообщение ещё раз: {prefix}retry.*"
        ),
        Word.SESSION_SILENT: (
            "*Остановлено: работа над ответом зависла. Отправить сообщение ещё раз: {prefix}retry.*"
        ),
        Word.SET_ASIDE: (
            "Ответить на это сообщение не получилось: попыток было {attempts}, "
            "и каждый раз что-то ломалось на моей стороне. "
            "Сообщение отложено, чтобы остальные не ждали. Попробовать ещё раз: {prefix}retry."
        ),
        Word.ASK_CHOICE: "Ответьте: {choices}.",
        Word.ASK_FREE: "Ответьте, чтобы продолжить.",
        Word.FILE: "*Агент сделал файл, который нельзя отправить сюда: {name}*",
        Word.LIMIT_REACHED: "*Ответ обрывается здесь: модель достигла своего предела.*",
        Word.ANSWER_FILTERED: "*Ответ обрывается здесь: остальное отфильтровал поставщик модели.*",
        Word.FAILED_UNREACHABLE: "Агент недоступен. Попробовать снова: {prefix}retry.",
        Word.FAILED_OVERLOADED: (
            "Агент сейчас перегружен. Подождите минуту и попробуйте снова: {prefix}retry."
        ),
        Word.FAILED_TIMEOUT: "Агент отвечает слишком долго. Попробовать снова: {prefix}retry.",
        Word.FAILED_CUT: "Ответ агента оборвался. Попробовать снова: {prefix}retry.",
        Word.FAILED_EMPTY: (
            "Агент прислал пустой ответ. Спросите иначе или попробуйте снова: {prefix}retry."
        ),
        Word.FAILED_UNAUTHORIZED: (
            "Агент не принимает мой ключ. Исправить это может владелец бота; "
            "после этого попробуйте снова: {prefix}retry."
        ),
        Word.FAILED_REJECTED: (
            "Агент не принял это сообщение. Скажите иначе или попробуйте снова: {prefix}retry. "
            "Если не поможет, сообщите владельцу бота."
        ),
        Word.FAILED_BROKEN: "У агента что-то пошло не так. Попробовать снова: {prefix}retry.",
        Word.FAILED_GONE: (
            "Связь с агентом прервалась на полпути. Попробовать снова: {prefix}retry."
        ),
        Word.FAILED_FILE_REFUSED: (
            "Агент не принимает файлы такого вида или размера. "
            "Пришлите другой или попробуйте снова: {prefix}retry."
        ),
        Word.FAILED_FILE_LOST: (
            "Файл потерялся на моей стороне. Попробовать снова: {prefix}retry."
        ),
        Word.TASK_RUNS: "Работаю",
        Word.TASK_DONE: "Задача {task} выполнена.",
        Word.TASK_FAILED: "Задача {task} не удалась.",
        Word.TASK_FAILED_WHY: "Задача {task} не удалась: {why}",
        Word.TASK_SILENT: (
            "О задаче {task} уже сутки ничего не слышно. Если она всё же завершится, я скажу."
        ),
        Word.DRAFT_WAITS: "Жду, пока закончатся другие ответы",
        Word.DRAFT_WAITS_BEHIND: ("Жду, пока закончатся другие ответы; перед вашим: {waiting}"),
        Word.DRAFT_TRIES_AGAIN: "Агент недоступен, пробую ещё раз",
        Word.DRAFT_THINKS: "Думаю…",
        Word.DRAFT_TOOL: "Использую {tool}",
        Word.SETTINGS: "Ваши настройки. Нажмите на одну из них, чтобы включить или выключить её.",
        Word.SETTINGS_LIST: "Ваши настройки:\n\n{skills}",
        Word.SETTINGS_NONE: "У агента нет настроек для вас.",
        Word.SETTINGS_FAILED: (
            "Настройки агента сейчас недоступны. Попробуйте ещё раз через минуту."
        ),
        Word.SETTINGS_REFUSED: (
            "Агент не принимает мой ключ, поэтому его настройки недоступны. "
            "Исправить это может владелец бота."
        ),
        Word.SKILL_ON: "✅ {skill}",
        Word.SKILL_OFF: "⬜ {skill}",
        Word.SETTINGS_WORDS: (
            "`{prefix}settings usage on` показывает, чего стоил каждый ответ, "
            "`{prefix}settings reasoning on` ход мысли агента перед ним. "
            "Чтобы убрать, напишите `off` вместо `on`."
        ),
        Word.SKILL_NAMED_CONCISE: "Краткие ответы",
        Word.SKILL_NAMED_STEP_BY_STEP: "Объяснять по шагам",
        Word.SKILL_NAMED_PLAIN_LANGUAGE: "Простыми словами",
        Word.SKILL_NAMED_ASK_BACK: "Уточнять неясное",
        Word.SHOW_USAGE: "Показывать расход токенов",
        Word.SHOW_REASONING: "Показывать ход мысли",
        Word.REASONING: "Ход мысли",
        Word.TOKENS_BOTH: "токены: {read} на входе · {written} на выходе",
        Word.TOKENS_IN: "токены: {read} на входе",
        Word.TOKENS_OUT: "токены: {written} на выходе",
        Word.NEW_CHAT_ELSEWHERE: "Чат {chat} открыт в отдельной теме. Продолжайте там.",
        Word.NEW_CHAT_LINKED: (
            "Чат {chat} открыт в отдельной комнате: {place}. "
            "Примите моё приглашение и продолжайте там."
        ),
        Word.NEW_CHAT_WELCOME: "Новый чат: {chat}. Просто пишите.",
        Word.LINK_CODE: (
            "Ваш код: **{code}**. В течение {minutes} мин. напишите мне там, где нужны те же "
            "чаты:\n\n{commands}\n\n"
            "Никому его не показывайте: кто введёт код, станет для меня вами."
        ),
        Word.LINK_PRIVATELY: (
            "Здесь сообщения видят и другие. Напишите, пожалуйста, {prefix}link в личном чате."
        ),
        Word.LINK_CODE_SEEN: (
            "Здесь сообщения видят и другие, поэтому этот код больше не действует. "
            "Новый даст {prefix}link в другом приложении; введите его в личном чате со мной."
        ),
        Word.LINK_NOWHERE: "Других приложений, где мне можно написать, нет.",
        Word.LINK_PAUSE: "Слишком много неверных кодов. Попробуйте через {minutes} мин.",
        Word.LINK_UNKNOWN: "Такого кода я не знаю. Новый даст {prefix}link в другом приложении.",
        Word.LINK_OWN_CODE: "Это ваш собственный код. Введите его в другом приложении.",
        Word.LINK_ALREADY: (
            "Вы уже связаны с `{person}`. Сначала разорвите связь: {prefix}unlink."
        ),
        Word.LINK_USED: (
            "Этот код больше не действует. Новый даст {prefix}link в другом приложении."
        ),
        Word.LINK_EXPIRED: (
            "Срок действия этого кода истёк. Новый даст {prefix}link в другом приложении."
        ),
        Word.LINK_SAME_SURFACE: (
            "Этот код тоже из {surface}, или его владелец там уже есть. "
            "Код связывает два разных приложения."
        ),
        Word.LINKED: (
            "Готово: теперь вы и `{person}` для меня и агента один человек. "
            "Общий список чатов покажет {prefix}chats; каждый чат продолжается там, где был. "
            "Разорвать связь: {prefix}unlink."
        ),
        Word.LINKED_MOVED: "Некоторые номера были заняты, и у чатов здесь теперь новые: {chats}.",
        Word.LINKED_ELSEWHERE: (
            "Ваш код введён: теперь вы и `{person}` для меня и агента один человек. "
            "Если это были не вы, напишите {prefix}unlink."
        ),
        Word.UNLINKED: (
            "Связь разорвана. Чаты из этого приложения остаются у вас, с теми же номерами."
        ),
        Word.UNLINKED_ELSEWHERE: (
            "Связь с `{person}` разорвана. Чаты из этого приложения остаются у вас."
        ),
        Word.UNLINK_NOTHING: "Вы ни с кем не связаны. Начать можно так: {prefix}link.",
        Word.CATCH_UP: (
            "Пока меня не было, здесь накопились ваши сообщения: {count}. "
            "Ответить на все, только на последнее или ни на одно?"
        ),
        Word.CATCH_UP_OF: (
            "{name}, пока меня не было, здесь накопились ваши сообщения: {count}. "
            "Ответить на все, только на последнее или ни на одно?"
        ),
        Word.CATCHING_UP_ALL: "Отвечаю на все сообщения: {count}.",
        Word.CATCHING_UP_LAST: "Отвечаю на последнее. Осталось без ответа: {count}.",
        Word.CATCHING_UP_NONE: "Осталось без ответа: {count}.",
        Word.EDIT_OFFER: (
            "Вы изменили сообщение, когда ответ на него уже начался. Ответить на новый текст?"
        ),
        Word.BUTTON_STOP: "⏹ Стоп",
        Word.BUTTON_RETRY: "🔁 Ещё раз",
        Word.BUTTON_ANSWER_ANEW: "🔁 Ответить на новый текст",
        Word.BUTTON_ALL: "Все",
        Word.BUTTON_LAST: "Последнее",
        Word.BUTTON_NONE: "Ни одного",
        Word.CHOICE_YES: "Да",
        Word.CHOICE_NO: "Нет",
        Word.CHOICE_APPROVE: "Разрешить",
        Word.CHOICE_REJECT: "Отклонить",
        Word.PRESS_UNKNOWN: "Эта кнопка больше не работает.",
        Word.PRESS_NOT_YOURS: "На эту кнопку может нажать только тот, кому я отвечаю.",
        Word.PRESS_NO_ACCESS: "Мы ещё не знакомы. Сначала напишите мне.",
        Word.PRESS_EXPIRED: "Время на ответ вышло. Отправьте, пожалуйста, запрос ещё раз.",
        Word.PRESS_DECIDED: "Выбор уже сделан.",
        Word.PRESS_FAILED: "Не получилось. Попробуйте ещё раз через минуту.",
        Word.DECIDED_BY: "**{choice}** ({name})",
        Word.RETRIED_BY: "*Отправлено ещё раз: {name}.*",
        Word.ANSWERED_ANEW: "*Ответ на новый текст ниже.*",
        Word.FILE_TOO_LARGE: "*Не удалось получить {name}: файл больше {limit}.*",
        Word.FILE_GONE: "*Не удалось получить {name}: файла уже нет.*",
        Word.FILE_UNREACHABLE: "*Не удалось получить {name}: загрузка несколько раз срывалась.*",
        Word.FILE_NO_ROOM: "*Не удалось получить {name}: его некуда сохранить.*",
        Word.SENDING_TOO_LARGE: (
            "*Агент сделал файл {name} ({size}). Сюда можно отправить не больше {limit}.*"
        ),
        Word.SENDING_REFUSED: "*Агент сделал файл {name} ({size}), но отправить его не удалось.*",
        Word.MENU_NEW: "Начать новый чат",
        Word.MENU_CHATS: "Список чатов, вернуться в один из них",
        Word.MENU_RENAME: "Назвать этот чат",
        Word.MENU_ARCHIVE: "Убрать этот чат",
        Word.MENU_STOP: "Остановить ответ",
        Word.MENU_RETRY: "Отправить неудавшееся сообщение ещё раз",
        Word.MENU_STATUS: "Чем я сейчас занимаюсь",
        Word.MENU_SETTINGS: "Что агент может делать для вас",
        Word.MENU_LINK: "Те же чаты в другом приложении",
        Word.MENU_UNLINK: "Снова разделить приложения",
        Word.MENU_DEBUG: "Что работает внутри",
        Word.MENU_HELP: "Что я умею",
    }
)
