/* Banners of gateways stand between the customer's words and everything that reads them. */
#include "lib/desk/banner.h"
#include "lib/desk/intake.h"

void lk_work_strip_banners(lk_work *work)
{
	const lk_desk_mailbox *mailbox = lk_policy_mailbox(work->policy, work->intake->mailbox);
	const lk_mail *mail = work->mail;

	if (!mailbox || mailbox->strip->len == 0)
		return;
	work->bare_subject = lk_banner_strip(mailbox->strip, mail->subject);
	work->bare_words = lk_banner_strip(mailbox->strip, mail->reply_text);
	if (!work->bare_subject && !work->bare_words)
		return;
	/* A copy of the struct: everything but the two texts is still the mail's. */
	work->bare = *mail;
	if (work->bare_subject)
		work->bare.subject = work->bare_subject;
	if (work->bare_words)
		work->bare.reply_text = work->bare_words;
	work->bare_intake = *work->intake;
	work->bare_intake.mail = &work->bare;
	work->mail = &work->bare;
	work->intake = &work->bare_intake;
}
