#!/usr/bin/perl
# Every mail of the desk as its readers see it: in a browser, on a telephone and on a screen, in
# light and dark, with images off. Measured: nothing wider than the window, nothing asked of any
# network, all words readable against what is behind them. With LUUKKU_PICTURES=DIR the pictures go
# there, with contact sheets, and the plain texts beside them.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Encode ();
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Browser;
use Luukku::Test::Mails;

my $pictures = $ENV{LUUKKU_PICTURES};
my $only = $ENV{LUUKKU_PICTURES_OF};    # a pattern for names, when one looks at one of them
my @views = ([320, 0], [320, 1], [800, 0], [800, 1]);

if ($pictures && !-d $pictures) {
	mkdir $pictures or die "$pictures: $!";
}

# Runs in the page: what is wrong with how it looks, as words.
my $look = <<'JS';
(() => {
	const said = [];
	const width = window.innerWidth;
	const tell = (e, words) => said.push(words + ': ' + e.outerHTML.slice(0, 120));
	if (document.documentElement.scrollWidth > width)
		said.push('the page is ' + document.documentElement.scrollWidth + ' wide');
	const luminance = c => {
		const [r, g, b] = c.map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const numbers = c => c.match(/[\d.]+/g).map(Number);
	const behind = e => {
		for (let at = e; at; at = at.parentElement) {
			const c = numbers(getComputedStyle(at).backgroundColor);
			if (c.length < 4 || c[3] === 1) return c.slice(0, 3);
		}
		return [255, 255, 255];
	};
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	let words = 0, widest = 0;
	for (let n = walker.nextNode(); n; n = walker.nextNode()) {
		if (!n.data.trim()) continue;
		const e = n.parentElement, style = getComputedStyle(e);
		const range = document.createRange();
		range.selectNodeContents(n);
		for (const box of range.getClientRects()) {
			if (box.right > width + 0.5) tell(e, 'text beyond the edge');
			widest = Math.max(widest, box.right - box.left);
		}
		const a = luminance(numbers(style.color).slice(0, 3)), b = luminance(behind(e));
		const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (contrast < 4.5) tell(e, 'contrast ' + contrast.toFixed(2));
		if (parseFloat(style.fontSize) < 14) tell(e, 'letters of ' + style.fontSize);
		words++;
	}
	if (words === 0) said.push('no words');
	for (const e of document.body.querySelectorAll('*')) {
		const box = e.getBoundingClientRect();
		if (box.right > width + 0.5 || box.left < -0.5) tell(e, 'beyond the edge');
		if (box.width > 600.5 && e.tagName !== 'HR') tell(e, 'wider than 600');
	}
	for (const e of document.querySelectorAll('a.first, a.button'))
		if (e.getBoundingClientRect().height < 40) tell(e, 'too low to be hit');
	const dark = matchMedia('(prefers-color-scheme: dark)').matches;
	if (luminance(behind(document.body)) < 0.2 !== dark) said.push('the page is of the wrong scheme');
	return { said, words, widest };
})()
JS

my $mails = Luukku::Test::Mails->new;
my $browser = Luukku::Test::Browser->start;
my $page = $browser->page(width => 800, height => 600);
my (@shown, $n_views);

sub file_name {
	my ($name, $case, $language) = @_;
	return join '-', $name, $case =~ tr/ /_/r, $language;
}

# One mail in all views. Returns what is wrong with it.
sub look_at {
	my ($mail, $file) = @_;
	my @wrong;
	for my $view (@views) {
		my ($width, $dark) = @$view;
		my $where = "$width px, " . ($dark ? 'dark' : 'light');
		$page->view(width => $width, height => 600, dark => $dark);
		my $seen = $page->eval($look);
		push @wrong, map { "$where: $_" } @{ $seen->{said} };
		$n_views++;
		next if !$pictures;
		$page->screenshot("$pictures/$file-$width-" . ($dark ? 'dark' : 'light') . '.png', full => 1);
	}
	return @wrong;
}

for my $one ($mails->cases) {
	my ($name, $case) = @$one;
	next if $only && $name !~ /$only/;
	for my $language (@Luukku::Test::Mails::languages) {
		my $mail = $mails->preview($name, case => $case, language => $language);
		my $file = file_name($name, $case, $language);
		$page->contents(Encode::encode('UTF-8', $mail->{html}));
		my @asked = grep { $_->{url} !~ m{^file://.*/shown-\d+\.html$} } $page->requests;
		my @wrong = look_at($mail, $file);
		push @wrong, map { "asks for $_->{url}" } @asked;
		push @wrong, $page->problems;
		ok(!@wrong, "$name, $case, $language") or diag map { "  $_\n" } @wrong;
		spew("$pictures/$file.txt", Encode::encode('UTF-8', $mail->{text})) if $pictures;
		push @shown, $file;
	}
}
cmp_ok(scalar @shown, '>=', $only ? 1 : 150, 'all mails have been looked at');
is($n_views, @shown * @views, '... in all views');

# --- both languages in one mail ------------------------------------------------------------------

my $both = $mails->preview('acknowledgement', case => 'missing', language => 'fi,sv');
$page->contents(Encode::encode('UTF-8', $both->{html}));
is_deeply($page->eval('[document.documentElement.lang, ...[...document.querySelectorAll("body [lang]")].map(e => e.lang)]'),
	['fi', 'fi', 'sv'], 'a mail in two languages: each part says its own');
my @wrong = look_at($both, 'acknowledgement-both-fi+sv');
ok(!@wrong, '... and looks right') or diag map { "  $_\n" } @wrong;
push @shown, 'acknowledgement-both-fi+sv';

# --- words and pictures of people ----------------------------------------------------------------

my %data = (text => "[cid:kuva\@x]\n" . ('W' x 300) . "\nhttps://example.fi/" . ('a' x 300), subject => 'Ä' x 400, agent_name => 'x' x 200);
for my $name (qw(reply notice forward acknowledgement)) {
	my $mail = $mails->preview($name, language => 'fi', data => { %data, title => 'Y' x 400 });
	$page->contents(Encode::encode('UTF-8', $mail->{html}));
	my @bad = look_at($mail, "long-$name");
	ok(!@bad, "$name with words that nothing breaks") or diag map { "  $_\n" } @bad;
}

# --- contact sheets ------------------------------------------------------------------------------

sub sheet {
	my ($title, $suffix, $width, @files) = @_;
	my $html = "<!DOCTYPE html><meta charset=utf-8><body style='margin:8px;background:#888;font:14px sans-serif'>";
	for my $file (@files) {
		$html .= "<div style='display:inline-block;vertical-align:top;margin:4px;width:${width}px'>"
			. "<div>$file</div><img width=$width src='file://$pictures/$file-$suffix.png'></div>";
	}
	$page->view(width => 8 + 5 * ($width + 12), height => 800, dark => 0, scale => 1);
	$page->contents($html);
	$page->screenshot("$pictures/sheet-$title-$suffix.png", full => 1);
	return;
}

if ($pictures) {
	for my $language (@Luukku::Test::Mails::languages) {
		my @files = grep { /-$language$/ } @shown;
		for my $suffix (map { "$_->[0]-" . ($_->[1] ? 'dark' : 'light') } @views) {
			my ($width) = $suffix =~ /^(\d+)/;
			my $part = 1;
			my @left = @files;
			while (my @some = splice @left, 0, 15) {
				sheet("$language-" . $part++, $suffix, $width > 400 ? 480 : 320, @some);
			}
		}
	}
	diag("pictures of $n_views views are in $pictures");
}

$browser->stop;
done_testing;
