package org.deepflash.commands;

import ij.IJ;
import ij.Prefs;
import ij.WindowManager;
import ij.gui.MultiLineLabel;
import ij.plugin.frame.PlugInFrame;
import java.awt.BorderLayout;
import java.awt.Button;
import java.awt.Color;
import java.awt.Dimension;
import java.awt.EventQueue;
import java.awt.FlowLayout;
import java.awt.Font;
import java.awt.GridLayout;
import java.awt.Label;
import java.awt.Panel;
import java.awt.Rectangle;
import java.util.HashMap;
import java.util.Map;
import org.deepflash.client.Connection;
import org.deepflash.records.Job;

/** The window of one training. It only looks: closing it changes nothing about the job. */
final class MonitorWindow extends PlugInFrame {

    private static final long serialVersionUID = 1L;
    private static final Map<String, MonitorWindow> OPEN = new HashMap<>();
    private static final Color WARNING = new Color(0xB00020);
    private static final int GAP = 12;
    private static final Map<String, Color> STATE_COLORS = new HashMap<>();

    static {
        STATE_COLORS.put("running", new Color(0x007A2F));
        STATE_COLORS.put("done", new Color(0x0B57A4));
        STATE_COLORS.put("stopped", new Color(0x0B57A4));
        STATE_COLORS.put("stopping", new Color(0x9A5B00));
        STATE_COLORS.put("interrupted", new Color(0x9A5B00));
        STATE_COLORS.put("failed", WARNING);
    }

    private final String id;
    private final double scale = Math.max(1, Prefs.getGuiScale());
    private final Label name = new Label();
    private final Label state = new Label("", Label.RIGHT);
    private final Label epochs = new Label();
    private final Label place = new Label();
    private final MultiLineLabel situation = new MultiLineLabel(" ");
    private final PictureCanvas curve;
    private final PictureCanvas preview;
    private final transient MonitorButtons buttons;
    private final transient MonitorPoller poller;
    private transient MonitorView view;

    private MonitorWindow(Connection connection, Job job) {
        super("DeepFLaSH Training " + (job.getModel().isEmpty() ? job.getId() : job.getModel()));
        this.id = job.getId();
        this.poller = new MonitorPoller(connection, job, this::show);
        this.buttons = new MonitorButtons(connection, this::getView, this::say, poller::wake);
        this.curve = new PictureCanvas(scaled(590, 400));
        this.preview = new PictureCanvas(scaled(440, 400));
        setLayout(new BorderLayout(0, 0));
        setBackground(Color.WHITE);
        add(makeHeader(), BorderLayout.NORTH);
        add(curve, BorderLayout.CENTER);
        add(preview, BorderLayout.EAST);
        add(makeFooter(), BorderLayout.SOUTH);
        pack();
    }

    /** Opens the window of a training, or brings it to the front; one that looks no more is replaced. */
    static void open(Connection connection, Job job) {
        EventQueue.invokeLater(() -> {
            MonitorWindow known = OPEN.get(job.getId());
            if (known != null && !known.isOver()) {
                known.toFront();
                return;
            }
            if (known != null) {
                known.close();
            }
            MonitorWindow window = new MonitorWindow(connection, job);
            OPEN.put(job.getId(), window);
            WindowManager.addWindow(window);
            window.placeBelowImageJ();
            window.setVisible(true);
            window.poller.start();
        });
    }

    private void placeBelowImageJ() {
        Rectangle main = IJ.getInstance() == null ? new Rectangle() : IJ.getInstance().getBounds();
        Dimension screen = getToolkit().getScreenSize();
        int x = Math.max(0, Math.min(main.x, screen.width - getWidth()));
        int y = Math.max(0, Math.min(main.y + main.height + GAP, screen.height - getHeight()));
        setLocation(x, y);
    }

    private Dimension scaled(int width, int height) {
        return new Dimension((int) (width * scale), (int) (height * scale));
    }

    private Font font(int style, int size) {
        return new Font(Font.SANS_SERIF, style, (int) Math.round(size * scale));
    }

    private Panel makeHeader() {
        name.setFont(font(Font.BOLD, 17));
        state.setFont(font(Font.BOLD, 14));
        epochs.setFont(font(Font.PLAIN, 13));
        place.setFont(font(Font.PLAIN, 12));
        place.setForeground(Color.DARK_GRAY);
        Panel top = new Panel(new BorderLayout());
        top.add(name, BorderLayout.CENTER);
        top.add(state, BorderLayout.EAST);
        Panel lines = new Panel(new GridLayout(0, 1));
        lines.add(top);
        lines.add(epochs);
        lines.add(place);
        return padded(lines);
    }

    private Panel makeFooter() {
        situation.setFont(font(Font.PLAIN, 13));
        Panel footer = new Panel(new BorderLayout());
        footer.add(situation, BorderLayout.CENTER);
        Panel row = new Panel(new FlowLayout(FlowLayout.RIGHT, 8, 6));
        for (Button button : buttons.getButtons()) {
            button.setFont(font(Font.PLAIN, 12));
            row.add(button);
        }
        footer.add(row, BorderLayout.SOUTH);
        return padded(footer);
    }

    private Panel padded(Panel inner) {
        Panel outer = new Panel(new BorderLayout());
        int gap = (int) (10 * scale);
        outer.add(inner, BorderLayout.CENTER);
        outer.add(gap(gap), BorderLayout.WEST);
        outer.add(gap(gap), BorderLayout.EAST);
        outer.add(gap(gap / 2), BorderLayout.NORTH);
        return outer;
    }

    private static Panel gap(int pixels) {
        Panel panel = new Panel();
        panel.setPreferredSize(new Dimension(pixels, pixels));
        return panel;
    }

    private boolean isOver() {
        return view != null && view.isRefused();
    }

    private MonitorView getView() {
        return view;
    }

    private void show(MonitorView next) {
        view = next;
        Job job = next.getJob();
        setText(name, job.getModel().isEmpty() ? job.getId() : job.getModel());
        setText(state, next.isRefused() ? "not watched" : next.isInTrouble() ? "service away" : job.getState());
        state.setForeground(next.isInTrouble() ? WARNING : STATE_COLORS.getOrDefault(job.getState(), Color.DARK_GRAY));
        setText(epochs, next.describeEpochs());
        setText(place, next.describePlace());
        say(next.describeSituation(), next.isInTrouble() || job.getState().equals("failed"));
        buttons.fit(next);
        curve.show((graphics, size) -> new CurvePainter(next.getHistory(), size, scale).paint(graphics));
        preview.show(new PreviewPainter(next, scale)::paint);
    }

    private static void setText(Label label, String text) {
        // Setting the same text again would flicker once a second.
        if (!label.getText().equals(text)) {
            label.setText(text);
            label.getParent().validate();
        }
    }

    private void say(String sentence, boolean isWarning) {
        situation.setForeground(isWarning ? WARNING : Color.DARK_GRAY);
        situation.setText(Sentence.wrap(sentence.isEmpty() ? " " : sentence, 120));
        situation.getParent().validate();
    }

    @Override
    public void close() {
        OPEN.remove(id);
        poller.close();
        super.close();
    }
}
